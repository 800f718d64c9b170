"""How a time budget is spent: so much for this pass, so much for this problem, and a rest for closing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import affordable_rounds


@dataclass(frozen=True)
class Deadline:
    """A moment."""

    at: float  # on the monotonic clock

    def left_s(self) -> float:
        """Seconds until then; negative after it."""
        return self.at - time.monotonic()

    def passed(self) -> bool:
        """Whether it is over."""
        return self.left_s() <= 0


class TimeBudget:
    """Seconds, or no limit. ``began`` is on the monotonic clock; ``closing_s`` is what the end will take."""

    def __init__(self, seconds: float | None, began: float) -> None:
        self.seconds = seconds
        self._began = began
        self.closing_s = 0.0

    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def left_s(self) -> float:
        """Seconds left for measuring; infinite without a budget."""
        if self.seconds is None:
            return float("inf")
        kept_back = min(POLICY.budget.longest_closing_s, POLICY.budget.closing_share * self.seconds) + self.closing_s
        return self.seconds - kept_back - self.elapsed_s()

    def until_end_s(self) -> float:
        """Seconds until the whole run is over, closing included; infinite without a budget."""
        return float("inf") if self.seconds is None else max(0.0, self.seconds - self.elapsed_s())

    def begin_pass(self, passes_left: int) -> Deadline:
        """When this pass must end, so that each of the passes that are left has the same time."""
        return Deadline(time.monotonic() + self.left_s() / passes_left)

    def rounds(self, seconds_per_call: Mapping[str, float], affordable_s: float) -> int:
        """How many rounds a problem gets when ``affordable_s`` seconds are its own; the usual without a budget."""
        return POLICY.rounds.usual if self.seconds is None else affordable_rounds(seconds_per_call, affordable_s)

    def patience_s(self, first: bool = False) -> float:
        """How long any one answer may take: a backend that hangs must not use up what the others share.

        Never less than what importing a large library takes, also when the time is up. More on a worker's ``first``
        problem, for which it compiles.
        """
        share = POLICY.screening.first_patience_share if first else POLICY.budget.patience_share
        return max(POLICY.budget.shortest_patience_s, share * self.left_s())

    def allows_gauging(self, cost_s: float) -> bool:
        """Whether ``cost_s`` seconds for the ceilings are little beside the whole."""
        return self.seconds is None or cost_s < POLICY.budget.gauging_share * self.seconds

    def allows_last_gauging(self, cost_s: float) -> bool:
        """The same for the ceilings at the end, which show whether the machine has changed."""
        return self.seconds is None or cost_s < POLICY.budget.last_gauging_share * self.seconds

    def seconds_for_properties(self) -> float:
        """How long the looks at what all backends are like may take."""
        return float("inf") if self.seconds is None else POLICY.properties.share * self.seconds

    def allows_settling(self, starting_s: float = 0.0) -> bool:
        """Whether one more pass makes sense, in which starting every worker takes ``starting_s`` seconds."""
        return self.left_s() > max(POLICY.budget.shortest_settling_s, starting_s)
