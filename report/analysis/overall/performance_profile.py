"""Performance profiles: on which share of a run's problems each backend is within a factor of the fastest.

Dolan and Moré, "Benchmarking optimization software with performance profiles", Mathematical Programming 91 (2002).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from pointwise_bench.common.status import SKIPPED
from pointwise_bench.report.analysis.series import values_of

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING: Final = 1e-9
"""By which a factor may exceed a limit: it went through logarithms."""

_Met = tuple[str, int]
"""A problem's id and a thread budget."""


class Without(NamedTuple):
    """On how many problems a backend has no time that may be compared, by what became of it there."""

    refused: int
    failed: int
    set_apart: int
    """Timed in-process, or in a reduced precision."""
    unmeasured: int


@dataclass(frozen=True)
class Profile:
    """One backend: its time over the fastest one's on each problem where it has one, ascending, of ``problems``."""

    backend: str
    factors: tuple[float, ...]
    problems: int
    without: Without

    def within(self, factor: float) -> float:
        """The share of all problems, from 0 to 1: one without a time is within no factor."""
        return bisect_right(self.factors, factor * (1 + _ROUNDING)) / self.problems


@dataclass(frozen=True)
class Profiles:
    """All backends of a run under one thread budget, the one that is fastest most often first.

    ``problems`` are those on which two backends or more were compared, each once, wherever and however often it occurs;
    ``lone`` is on how many a single one has a time.
    """

    threads: int
    problems: int
    lone: int
    backends: tuple[Profile, ...]


def performance_profiles(timings: pd.DataFrame, comparisons: pd.DataFrame) -> list[Profiles]:
    """One for each thread budget under which two backends were compared.

    The factors are those of the pairs with the fastest in ``comparisons``, from common rounds, and none is below 1.
    """
    cells = _cells(timings)
    fastest = {met: backend for met, of in cells.items() for backend, (_, sign, _) in of.items() if sign == "fastest"}
    factors = _factors(comparisons, fastest)
    budgets: defaultdict[int, list[_Met]] = defaultdict(list)
    for met in cells:
        budgets[met[1]].append(met)
    found = []
    for threads, asked in sorted(budgets.items()):
        compared = [met for met in asked if met in factors]
        if compared:
            rows = _profiles(compared, {name for met in asked for name in cells[met]}, cells, factors)
            lone = sum(met in fastest for met in asked) - len(compared)
            found.append(Profiles(threads, len(compared), lone, tuple(rows)))
    return found


_Cell = tuple[str, str, bool]
"""Status, sign, and whether there is a time."""


def _cells(timings: pd.DataFrame) -> Mapping[_Met, Mapping[str, _Cell]]:
    """Of each problem that was asked, by backend. A problem in several places has as many rows, which say the same."""
    found: defaultdict[_Met, dict[str, _Cell]] = defaultdict(dict)
    columns = [values_of(timings[name]) for name in ("problem", "threads", "backend", "status", "sign")]
    timed = timings["median_s"].notna().tolist()
    for problem, threads, backend, status, sign, has in zip(*columns, timed, strict=True):
        found[problem, int(threads)][backend] = (status, sign, has)
    return found


def _factors(comparisons: pd.DataFrame, fastest: Mapping[_Met, str]) -> Mapping[_Met, Mapping[str, float]]:
    """By problem and backend; only of problems on which the fastest was compared with somebody."""
    found: dict[_Met, dict[str, float]] = {}
    columns = [values_of(comparisons[name]) for name in ("problem", "threads", "backend_a", "backend_b", "ratio")]
    for problem, threads, a, b, ratio in zip(*columns, strict=True):
        best = fastest.get((problem, threads))
        if best in (a, b) and ratio > 0:
            # The ratio is the time of b over the time of a.
            other, factor = (b, ratio) if best == a else (a, 1 / ratio)
            found.setdefault((problem, threads), {cast("str", best): 1.0})[other] = max(1.0, factor)
    return found


def _profiles(
    compared: Sequence[_Met],
    names: Iterable[str],
    cells: Mapping[_Met, Mapping[str, _Cell]],
    factors: Mapping[_Met, Mapping[str, float]],
) -> list[Profile]:
    """Gone through once by cell: most backends of a large run may know a few problems only."""
    own: dict[str, list[float]] = {name: [] for name in names}
    why: dict[str, Counter[str]] = {name: Counter() for name in own}
    for met in compared:
        for name, (status, _, timed) in cells[met].items():
            if name in factors[met]:
                own[name].append(factors[met][name])
            else:
                why[name]["apart" if timed else "refused" if status in SKIPPED else "failed"] += 1
    rows = []
    for name, factor in own.items():
        refused, failed, apart = (why[name][reason] for reason in ("refused", "failed", "apart"))
        left = len(compared) - len(factor) - refused - failed - apart
        rows.append(Profile(name, tuple(sorted(factor)), len(compared), Without(refused, failed, apart, left)))
    return sorted(rows, key=lambda one: (-one.within(1), -_area(one), one.backend))


def _area(one: Profile) -> float:
    """Of two that are fastest as often, the nearer to the fastest on the others comes first."""
    return math.fsum(1 / factor for factor in one.factors) / one.problems
