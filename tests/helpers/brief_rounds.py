"""A pytest plugin (``-p brief_rounds``) that makes turns and passes short, for runs whose subject is not their numbers.

Only this process needs it: a worker is told how many calls to make and how long to warm up.
"""

from __future__ import annotations

TURN_S, WARM_S, SLOW_S = 5e-4, 5e-5, 0.05
ROUNDS = 6


def pytest_configure() -> None:
    """Replace the constants before the harness is imported, where others take them over by name."""
    from pointwise_bench.suites.harness.design import rounds

    rounds.TURN_S, rounds.WARM_S, rounds.SLOW_S, rounds.ROUNDS = TURN_S, WARM_S, SLOW_S, ROUNDS

    from pointwise_bench.suites.harness.design import time_budget as clock
    from pointwise_bench.suites.harness.run import passes as course, trial as contest

    assert (clock.ROUNDS, contest.WARM_S) == (ROUNDS, WARM_S), "the harness had been imported before"
    contest.BUDGET_TOLERANCE = 10.0  # in turns this short, reading the clocks counts
    course.MOST_PASSES = course.PASSES  # how often tiny problems stay undecided is chance
