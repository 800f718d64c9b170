"""A pytest plugin (``-p brief_rounds``) that makes turns and passes short, for runs whose subject is not their numbers.

Only this process needs it: a worker is told how many calls to make and how long to warm up.
"""

from __future__ import annotations

import pytest
from changed_policy import changed_policy, put_in_place

BRIEF = changed_policy(
    rounds={
        "turn_s": 5e-4,
        "warm_s": 5e-5,
        "slow_s": 0.05,
        "usual": 6,
        "most_passes": 3,  # how often tiny problems stay undecided is chance
    },
    acceptance={
        "budget_tolerance": 10.0,  # in turns this short, reading the clocks counts
        "latest_s": 1.0,
        "moved_s": 1.0,
        "least_unexplained_s": 1.0,  # even 16 of them are shorter than a busy machine may delay an answer
    },
)


@pytest.hookimpl(tryfirst=True)  # before workers' modules are imported
def pytest_configure() -> None:
    """Before anything is collected."""
    put_in_place(BRIEF)
