"""A pytest plugin (``-p few_rounds``) that makes few turns of the usual length, for runs that read their numbers."""

from __future__ import annotations

from changed_policy import changed_policy, put_in_place


def pytest_configure() -> None:
    """Before anything is collected. Tiny problems stay undecided by chance: one pass more shows what is done then."""
    put_in_place(changed_policy(rounds={"usual": 10, "most_passes": 4}))
