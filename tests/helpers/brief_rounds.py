"""A pytest plugin (``-p brief_rounds``) that makes turns and passes short, for runs whose subject is not their numbers.

Only this process needs it: a worker is told how many calls to make and how long to warm up.
"""

from __future__ import annotations

from types import ModuleType

TURN_S, WARM_S, SLOW_S = 5e-4, 5e-5, 0.05
ROUNDS = 6


def pytest_configure() -> None:
    """Replace the constants before the harness is imported, where others take them over by name."""
    from pointwise_bench.suites.harness.design import rounds

    _replace(rounds, TURN_S=TURN_S, WARM_S=WARM_S, SLOW_S=SLOW_S, ROUNDS=ROUNDS)

    from pointwise_bench.suites.harness.design import time_budget
    from pointwise_bench.suites.harness.run import passes, trial

    taken_over = (vars(time_budget)["ROUNDS"], vars(trial)["WARM_S"])
    assert taken_over == (ROUNDS, WARM_S), "the harness had been imported before"
    _replace(trial, BUDGET_TOLERANCE=10.0)  # in turns this short, reading the clocks counts
    _replace(passes, MOST_PASSES=rounds.PASSES)  # how often tiny problems stay undecided is chance


def _replace(module: ModuleType, **constants: float) -> None:
    """Give constants of ``module`` other values: they are final for everybody else."""
    for name, value in constants.items():
        assert hasattr(module, name), f"{module.__name__} has no {name}"
        setattr(module, name, value)
