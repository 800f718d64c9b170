"""Whether a backend has kept to its thread budget: by processor seconds, its own and those of what it has started."""

from __future__ import annotations

from typing import Final

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.ended import Ended

# Bound before any plugin is loaded, which could change the policy's own fields later.
TOLERANCE: Final = POLICY.acceptance.budget_tolerance


def is_exceeded(used: float, threads: int) -> bool:
    """``used``: processor seconds per second."""
    return used > threads + TOLERANCE


def check_thread_budget(used: float, threads: int) -> None:
    """``Ended`` where more processors were ``used`` than ``threads``, as a mean over timed calls."""
    if is_exceeded(used, threads):
        raise Ended(
            "failed",
            f"used {used:.2f} CPU seconds per second on a budget of {threads} thread{'s' * (threads != 1)}: "
            "its library, or a process that it has started, does not keep to the budget that prepare was given",
        )
