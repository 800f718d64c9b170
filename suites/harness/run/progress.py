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
        self, stage: str, problems: int, left_s: Callable[[Progress], float], announce: Callable[[str], None]
    ) -> None:
        """``left_s`` is asked after each problem."""
        self._stage = stage
        self._problems = problems
        self._seconds_left = left_s
        self._announce = announce
        self._at_most = ""
        self._last = time.monotonic()
        self._seconds: list[float] = []
        self._overheads: list[float] = []

    @classmethod
    def of_pass(
        cls,
        number: int,
        passes: int,
        problems: int,
        budget: TimeBudget,
        announce: Callable[[str], None],
        earlier: Sequence[Progress] = (),
    ) -> Progress:
        """One of several passes over the same problems: what is left is foreseen from their mean.

        ``earlier`` passes of the run count, too. The first problem of each is left out of the mean: workers start with
        it, and behind it three times what was left had been foreseen for the second pass.
        """

        def left_s(progress: Progress) -> float:
            known = [each._seconds for each in (*earlier, progress) if each._seconds]
            later = [seconds for own in known for seconds in own[1:]] or known[-1]
            usual_s = statistics.fmean(later)
            starting_s = statistics.fmean(max(0.0, own[0] - usual_s) for own in known)
            further = max(0, passes - number - 1)
            return min(budget.left_s(), usual_s * (progress.left + further * problems) + starting_s * further)

        return cls(f"pass {number + 1}/{passes}" if number < passes else "undecided", problems, left_s, announce)

    @classmethod
    def of_stage(cls, stage: str, problems: int, budget: TimeBudget, announce: Callable[[str], None]) -> Progress:
        """A stage of a run that goes on until its time is up, or until all is settled, which nobody knows before."""
        progress = cls(stage, problems, lambda _: budget.until_end_s(), announce)
        progress._at_most = "at most "
        return progress

    @property
    def done(self) -> int:
        """Finished problems."""
        return len(self._seconds)

    def problem_done(self, title: str, parts: Sequence[PassSamples], ended: Sequence[Cell]) -> None:
        """Announce a finished problem."""
        now = time.monotonic()
        self._seconds.append(now - self._last)
        self._overheads.append(max(0.0, now - self._last - sum(part.wall_s for part in parts)))
        self._last = now
        place = f"{self._stage}, {self.done}/{self._problems}"
        left = self._at_most + _duration(self._seconds_left(self))
        self._announce(f"[{place}] {title}: {_result(parts, ended)}; {left} left")

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
    """Two digits at least: 84 s had been said to be two minutes."""
    if seconds >= 600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds < 100 else f"{round(seconds, -1):.0f} s"
