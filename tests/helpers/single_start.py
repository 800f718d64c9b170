"""A pytest plugin (``-p single_start``): brief rounds of a single pass, for runs whose subject is not their starts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from brief_rounds import BRIEF
from changed_policy import put_in_place

SINGLE_START = replace(BRIEF, rounds=replace(BRIEF.rounds, passes=1, most_passes=1))


@pytest.hookimpl(tryfirst=True)  # before workers' modules are imported
def pytest_configure() -> None:
    """Before anything is collected."""
    put_in_place(SINGLE_START)
