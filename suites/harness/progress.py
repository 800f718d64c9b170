"""A line per problem while a run goes on: what came out, how much is left."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from suites.harness.outcome import SKIPPED
from suites.harness.record import Cell

OVERHEAD_AT_FIRST_S = 1.0  # per problem, outside of the rounds: examining, mostly


class Progress:
    """Counts finished problems and foresees the rest from their mean."""

    def __init__(self, problems: int, announce: Callable[[str], None]) -> None:
        self.left = problems
        self._total = problems
        self._announce = announce
        self._began = self._last = time.monotonic()
        self._overheads: list[float] = []

    def problem_done(self, title: str, cells: Sequence[Cell]) -> None:
        """Announce a finished problem."""
        self.left = max(0, self.left - 1)
        now = time.monotonic()
        self._overheads.append(max(0.0, now - self._last - sum(cell.timed_s for cell in cells)))
        self._last = now
        done = self._total - self.left
        remaining = (now - self._began) / done * self.left if done else 0.0
        self._announce(f"[{done}/{self._total}] {title}: {_outcome(cells)}; {_duration(remaining)} left")

    def overhead_s(self) -> float:
        """Seconds that a problem spends outside of timed calls, as seen lately."""
        return statistics.fmean(self._overheads[-20:]) if self._overheads else OVERHEAD_AT_FIRST_S


def _outcome(cells: Sequence[Cell]) -> str:
    """The fastest backend, and how many others were timed or failed."""
    timed = sorted((statistics.median(cell.samples_s), cell.backend) for cell in cells if cell.status == "ok")
    failed = [f"{cell.backend} {cell.status}" for cell in cells if cell.status not in ("ok", *SKIPPED)]
    parts = [f"{timed[0][1]} {_time(timed[0][0])}, best of {len(timed)}"] if timed else ["nothing timed"]
    return ", ".join(parts + failed)


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
