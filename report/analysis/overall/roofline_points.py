"""Every backend on every problem under the machine's roofs: which points a picture holds, and which are hopeless."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.series import values_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

HOPELESS_PERCENT: Final = 1.0
"""Of its roof, or of the fastest one's speed on the same problem where no roof is known: who reaches less is cut.

A loop in plain Python stands a thousand times lower than all others, which would share the upper edge of the picture.
"""

MOST_BACKENDS: Final = 60
"""With points of their own; nobody tells more of them apart."""

MOST_POINTS: Final = 2000
"""Of one picture: each is about two hundred bytes of a page."""

_SHOWN: Final = ("group", "name", "median_s", "low_s", "high_s", "gflops", "percent_of_roof", "bound_by")


class RooflinePoint(NamedTuple):
    """One backend on one problem; ``percent_of_roof`` is NaN where no roof is known, ``places`` how often it occurs."""

    backend: str
    problem: str
    group: str
    name: str
    places: int
    median_s: float
    low_s: float
    high_s: float
    gflops: float
    percent_of_roof: float
    bound_by: str
    intensity: float


@dataclass(frozen=True)
class RooflinePoints:
    """What one dtype and thread budget have: the points that are ``drawn``, and those ``cut`` as hopeless.

    ``further`` are those of the slowest backends, where there are more of them than a picture has room for.
    """

    dtype: str
    threads: int
    drawn: tuple[RooflinePoint, ...]
    cut: tuple[RooflinePoint, ...]
    further: tuple[RooflinePoint, ...]

    @property
    def said_of_cut(self) -> str:
        """A sentence that names who is not there, empty where everybody is."""
        parts = []
        if self.cut:
            counted = Counter(point.backend for point in self.cut)
            names = ", ".join(f"{name} ({count})" for name, count in sorted(counted.items()))
            points = f"{len(self.cut)} point{'s' * (len(self.cut) != 1)}"
            parts.append(f"Cut: {points} below {HOPELESS_PERCENT:g} % of what is possible, of {names}.")
        if self.further:
            count = len({point.backend for point in self.further})
            parts.append(f"Not drawn: {count} slower backend{'s' * (count != 1)}.")
        return " ".join(parts)


def hopeless(gflops: NDArray[np.float64], percent_of_roof: NDArray[np.float64], problems: Sequence[str]) -> Any:
    """Which of the points are below :data:`HOPELESS_PERCENT`; none where all of them are."""
    fastest: defaultdict[str, float] = defaultdict(float)
    for problem, speed in zip(problems, gflops.tolist(), strict=True):
        fastest[problem] = max(fastest[problem], speed)
    best = np.array([fastest[problem] for problem in problems], dtype=np.float64)
    reached = np.where(np.isnan(percent_of_roof), 100 * gflops / best, percent_of_roof)
    found = reached < HOPELESS_PERCENT
    return found & (not found.all())


def roofline_points(timings: pd.DataFrame) -> list[RooflinePoints]:
    """Of the processor, whose ceilings were measured: one for each dtype and thread budget with a time."""
    timed = timings[(timings["device"] == "cpu") & (timings["gflops"] > 0)]
    keys = list(zip(*(values_of(timed[one]) for one in ("problem", "threads", "backend")), strict=True))
    rows = zip(*(values_of(timed[one]) for one in _SHOWN), strict=True)
    places = Counter(keys)
    # Once for all backends on it: a report has ten times as many cells as problems.
    problems = {name: Problem.parse(name) for name in dict.fromkeys(name for name, _, _ in keys)}
    intensities = {name: one.flops / one.min_bytes for name, one in problems.items()}
    found: defaultdict[tuple[str, int], list[RooflinePoint]] = defaultdict(list)
    seen: set[tuple[str, int, str]] = set()
    for key, (group, layer, *measured) in zip(keys, rows, strict=True):
        if key not in seen:
            seen.add(key)
            name, threads, backend = key
            told = (backend, name, group, layer, places[key], *measured, intensities[name])
            found[problems[name].dtype, threads].append(RooflinePoint._make(told))
    return [_split(dtype, threads, own) for (dtype, threads), own in sorted(found.items())]


def _split(dtype: str, threads: int, points: Sequence[RooflinePoint]) -> RooflinePoints:
    speeds = np.array([point.gflops for point in points])
    shares = np.array([point.percent_of_roof for point in points], dtype=np.float64)
    is_cut = hopeless(speeds, shares, [point.problem for point in points]).tolist()
    left = [point for point, cut in zip(points, is_cut, strict=True) if not cut]
    cut = tuple(point for point, cut in zip(points, is_cut, strict=True) if cut)
    shown = _fastest(left)
    drawn = tuple(sorted((p for p in left if p.backend in shown), key=lambda p: (p.backend, p.intensity, p.problem)))
    return RooflinePoints(dtype, threads, drawn, cut, tuple(p for p in left if p.backend not in shown))


def _fastest(points: Sequence[RooflinePoint]) -> set[str]:
    """The backends whose best points are fastest, as many as a picture has room for, and one at least."""
    best: defaultdict[str, float] = defaultdict(float)
    for point in points:
        best[point.backend] = max(best[point.backend], point.gflops)
    counted = Counter(point.backend for point in points)
    shown: set[str] = set()
    taken = 0
    for name in sorted(best, key=lambda one: (-best[one], one))[:MOST_BACKENDS]:
        taken += counted[name]
        if shown and taken > MOST_POINTS:
            break
        shown.add(name)
    return shown
