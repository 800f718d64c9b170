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
    """Counts the finished problems of one stage of a run, and says how much time is left."""

    def __init__(
        self, stage: str, problems: int, left_s: Callable[[Progress, float], float], announce: Callable[[str], None]
    ) -> None:
        """``left_s`` is asked after each problem, with the mean seconds that one has taken."""
        self._stage = stage
        self._problems = problems
        self._seconds_left = left_s
        self._announce = announce
        self.done = 0
        self._began = self._last = time.monotonic()
        self._overheads: list[float] = []

    @classmethod
    def of_pass(
        cls, number: int, passes: int, problems: int, budget: TimeBudget, announce: Callable[[str], None]
    ) -> Progress:
        """One of several passes over the same problems: what is left is foreseen from their mean."""

        def left_s(progress: Progress, each_s: float) -> float:
            later = max(0, passes - number - 1) * problems
            return min(budget.left_s(), each_s * (progress.left + later))

        return cls(f"pass {number + 1}/{passes}" if number < passes else "undecided", problems, left_s, announce)

    @classmethod
    def of_stage(cls, stage: str, problems: int, budget: TimeBudget, announce: Callable[[str], None]) -> Progress:
        """A stage of a run that goes on until its time is up."""
        return cls(stage, problems, lambda _, __: budget.until_end_s(), announce)

    def problem_done(self, title: str, parts: Sequence[PassSamples], ended: Sequence[Cell]) -> None:
        """Announce a finished problem."""
        self.done += 1
        now = time.monotonic()
        self._overheads.append(max(0.0, now - self._last - sum(part.timed_s for part in parts)))
        self._last = now
        place = f"{self._stage}, {self.done}/{self._problems}"
        left_s = self._seconds_left(self, (now - self._began) / self.done)
        self._announce(f"[{place}] {title}: {_result(parts, ended)}; {_duration(left_s)} left")

    def expect(self, problems: int) -> None:
        """The stage has so many problems in all, which was not known when it began."""
        self._problems = problems

    @property
    def left(self) -> int:
        """Problems of this stage that are not finished."""
        return self._problems - self.done

    def overhead_s(self) -> float:
        """Seconds that a problem spends outside of timed calls, as seen lately."""
        return statistics.fmean(self._overheads[-20:]) if self._overheads else POLICY.budget.overhead_at_first_s


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
