"""The least time that a problem can take on this machine, from its measured ceilings."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pointwise_bench.backends.problem import Problem


@dataclass(frozen=True)
class Roof:
    """Least time in seconds and what sets it: ``compute`` or ``memory``."""

    seconds: float
    bound_by: str


@dataclass(frozen=True)
class Roofs:
    """What the machine reached, by thread budget; the better of the phases, since a ceiling is the best that was seen.

    ``peaks``: FLOP/s of fused multiply-adds by (dtype, threads). ``ladders``: by threads, (working set in bytes,
    bytes/s) ascending. ``triads``: DRAM bytes/s by threads.
    """

    peaks: Mapping[tuple[str, int], float]
    ladders: Mapping[int, tuple[tuple[float, float], ...]]
    triads: Mapping[int, float]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Roofs:
        """From a run.json, as read by ``run_format.SETTINGS``; what is missing there is missing here."""
        peaks: defaultdict[tuple[str, int], float] = defaultdict(float)
        rungs: defaultdict[int, defaultdict[float, float]] = defaultdict(lambda: defaultdict(float))
        triads: defaultdict[int, float] = defaultdict(float)
        for phase in settings.get("ceilings") or ():
            threads = phase["threads"]
            for dtype, peak in (phase.get("fma_peak_flops") or {}).items():
                peaks[dtype, threads] = max(peaks[dtype, threads], peak or 0.0)
            for size, speed in phase.get("bandwidth") or ():
                rungs[threads][size] = max(rungs[threads][size], speed or 0.0)
            triads[threads] = max(triads[threads], phase.get("triad_bytes_per_s") or 0.0)
        ladders = {
            threads: tuple(sorted((s, v) for s, v in found.items() if v > 0)) for threads, found in rungs.items()
        }
        return cls(
            peaks={key: peak for key, peak in peaks.items() if peak > 0},
            ladders={threads: ladder for threads, ladder in ladders.items() if ladder},
            triads={threads: triad for threads, triad in triads.items() if triad > 0},
        )

    def bandwidth(self, working_set: float, threads: int) -> float | None:
        """Bytes/s at a working set in bytes: between two rungs along a straight line in logarithms of both."""
        ladder = self.ladders.get(threads, ())
        triad = self.triads.get(threads)
        if not ladder or (triad is not None and working_set > ladder[-1][0]):
            return triad
        sizes, speeds = np.log(np.array(ladder)).T
        return math.exp(float(np.interp(math.log(max(working_set, 1)), sizes, speeds)))

    def roof(self, problem: Problem, threads: int) -> Roof | None:
        """``max(flops / peak, min_bytes / bandwidth)`` (Williams, Waterman, Patterson 2009), ``None`` if unknown."""
        peak = self.peaks.get((problem.dtype, threads))
        bandwidth = self.bandwidth(problem.min_bytes, threads)
        if peak is None or bandwidth is None:
            return None
        compute, memory = problem.flops / peak, problem.min_bytes / bandwidth
        return Roof(compute, "compute") if compute >= memory else Roof(memory, "memory")
