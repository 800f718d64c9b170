"""A line per problem while a run goes on: its result, and how much time is left."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from pointwise_bench.common.status import SKIPPED
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.pass_samples import PassSamples


class Progress:
    """Counts the finished problems of one pass and estimates the time of the others from their mean."""

    def __init__(
        self, number: int, passes: int, problems: int, budget: TimeBudget, announce: Callable[[str], None]
    ) -> None:
        self._number = number
        self._passes = passes
        self._problems = problems
        self._budget = budget
        self._announce = announce
        self.done = 0
        self._began = self._last = time.monotonic()
        self._overheads: list[float] = []

    def problem_done(self, title: str, parts: Sequence[PassSamples], ended: Sequence[Cell]) -> None:
        """Announce a finished problem."""
        self.done += 1
        now = time.monotonic()
        self._overheads.append(max(0.0, now - self._last - sum(part.timed_s for part in parts)))
        self._last = now
        what = f"pass {self._number + 1}/{self._passes}" if self._number < self._passes else "undecided"
        place = f"{what}, {self.done}/{self._problems}"
        self._announce(f"[{place}] {title}: {_result(parts, ended)}; {_duration(self._left_s(now))} left")

    @property
    def left(self) -> int:
        """Problems of this pass that are not finished."""
        return self._problems - self.done

    def overhead_s(self) -> float:
        """Seconds that a problem spends outside of timed calls, as seen lately."""
        return statistics.fmean(self._overheads[-20:]) if self._overheads else POLICY.budget.overhead_at_first_s

    def _left_s(self, now: float) -> float:
        """Seconds that the planned passes still take; never more than the time budget has left."""
        each = (now - self._began) / self.done
        later = max(0, self._passes - self._number - 1) * self._problems
        return min(self._budget.left_s(), each * (self.left + later))


def _result(parts: Sequence[PassSamples], ended: Sequence[Cell]) -> str:
    """The fastest backend, and how many others were timed or failed."""
    timed = sorted((statistics.median(part.samples_s), part.backend) for part in parts)
    failed = [f"{cell.backend} {cell.status}" for cell in ended if cell.status not in SKIPPED]
    words = [f"{timed[0][1]} {_time(timed[0][0])}, best of {len(timed)}"] if timed else ["nothing timed"]
    return ", ".join(words + failed)


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
