"""A pytest plugin (``-p few_rounds``) that makes few turns of the usual length, for runs that read their numbers."""

from __future__ import annotations

import pytest
from changed_policy import changed_policy, put_in_place


@pytest.hookimpl(tryfirst=True)  # before workers' modules are imported
def pytest_configure() -> None:
    """Before anything is collected. Tiny problems stay undecided by chance: one pass more shows what is done then."""
    put_in_place(changed_policy(rounds={"usual": 10, "most_passes": 4}))
