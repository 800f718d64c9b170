"""What each backend needs for all layers of a group together, and how that stands to the fastest one's."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import FEWEST_COMMON_ROUNDS
from pointwise_bench.report.statistics.chosen_pairs import chosen_pairs, every_two
from pointwise_bench.report.statistics.signs import Sign, signs_of
from pointwise_bench.report.statistics.total_ratios import LayerRatios, Numbers, TotalRatios, compare_totals
from pointwise_bench.report.statistics.verdicts import Chosen


class Ratio(NamedTuple):
    """A time over another one, with its interval."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Total:
    """Seconds for all layers of a group, each as often as it occurs.

    Of the fastest backend, and of one that is compared with nobody, the sums of its layers' times and of the ends of
    their intervals. Of any other the fastest one's seconds times their :class:`Ratio`: so totals stand to each other as
    the pairs do, although not everybody was measured in the same rounds.
    """

    seconds: float
    low: float
    high: float


@dataclass(frozen=True)
class Placing:
    """One backend's total; ``behind`` is that over the fastest one's. Those that are compared have both."""

    total: Total
    sign: Sign | None = None
    behind: Ratio | None = None


@dataclass(frozen=True)
class ComparedTotals:
    """The backends whose totals are compared, in the order of their names: every two of them, if they are not many."""

    backends: tuple[str, ...]
    ratios: TotalRatios

    @cached_property
    def references(self) -> frozenset[str]:
        """Those that are compared with every other: of many backends only the fastest, and the baseline."""
        pairs = np.bincount(np.concatenate([self.ratios.first, self.ratios.second]), minlength=len(self.backends))
        return frozenset(itertools.compress(self.backends, pairs == len(self.backends) - 1))

    def over(self, reference: str) -> dict[str, Ratio]:
        """Each one's total over that of ``reference``, which is one of them; NaN where the two are not compared."""
        rows = self.ratios.over(self.backends.index(reference), len(self.backends)).tolist()
        return {name: Ratio(*row) for name, row in zip(self.backends, rows, strict=True)}


class Placings(NamedTuple):
    """The placings of the backends with a total, and the comparison that they come from; None where none is."""

    by_backend: dict[str, Placing]
    compared: ComparedTotals | None


class LayerComparisons:
    """The comparisons of a run, to be asked for the pairs of some backends on some layers."""

    def __init__(self, comparisons: pd.DataFrame) -> None:
        self._rows: Any = comparisons.groupby(["problem", "threads"], sort=False).indices
        self._names = [comparisons[column].to_numpy(dtype=object) for column in ("backend_a", "backend_b")]
        ratios = {
            column: comparisons[of].to_numpy(dtype=np.float64)
            for column, of in (("ratio", "ratio"), ("low", "low_of_all"), ("high", "high_of_all"))
        }
        self._logs = {column: np.log(values) for column, values in ratios.items()}
        self._rounds = comparisons["rounds"].to_numpy(dtype=np.int64)

    def ratios(
        self, problems: Sequence[str], threads: int, backends: Sequence[str], chosen: Chosen | None = None
    ) -> LayerRatios:
        """Of every two of ``backends``, or of those ``chosen``; in the order of their names, as the comparisons are.

        A pair that is chosen and was not compared on a layer has no ratio there.
        """
        at = {name: number for number, name in enumerate(backends)}
        pairs = every_two(len(backends)) if chosen is None else chosen
        pair = np.full((len(backends), len(backends)), -1, dtype=np.int32)
        pair[pairs] = np.arange(len(pairs[0]))
        shape = (len(problems), len(pairs[0]))
        found = {"ratio": np.full(shape, np.nan), "low": np.full(shape, -np.inf), "high": np.full(shape, np.inf)}
        decidable = np.zeros(shape, dtype=np.bool_)
        for layer, problem in enumerate(problems):
            known = np.asarray(self._rows.get((problem, threads), ()), dtype=np.int64)
            rows = known[self._rounds[known] > 0]
            first, second = (np.array([at.get(one, -1) for one in of[rows]], dtype=np.int64) for of in self._names)
            both = (first >= 0) & (second >= 0)
            rows, where = rows[both], pair[first[both], second[both]]
            rows, where = rows[where >= 0], where[where >= 0]
            for column, values in found.items():
                values[layer, where] = self._logs[column][rows]
            decidable[layer, where] = self._rounds[rows] >= FEWEST_COMMON_ROUNDS
        return LayerRatios(found["ratio"], found["low"], found["high"], decidable)


@dataclass(frozen=True)
class LayerTimes:
    """Times of ``backends``, in the order of their names, on ``problems``: ``[layers, backends]``, NaN for none."""

    problems: Sequence[str]
    counts: Numbers
    backends: Sequence[str]
    comparable: NDArray[np.bool_]
    """``[layers, backends]``: whether a time may be set against another backend's."""
    seconds: Numbers
    low: Numbers
    high: Numbers


def place(times: LayerTimes, threads: int, comparisons: LayerComparisons, baseline: str | None = None) -> Placings:
    """The placing of each backend that has a time for every layer: a partial sum would look fast."""
    whole = np.flatnonzero(~np.isnan(times.seconds).any(axis=0))
    found = {times.backends[number]: Placing(_own(times, number)) for number in whole.tolist()}
    rivals = whole[times.comparable[:, whole].all(axis=0)]
    if not rivals.size:
        return Placings(found, None)
    names = [times.backends[number] for number in rivals.tolist()]
    totals = [found[name].total.seconds for name in names]
    chosen = chosen_pairs(totals, [number for number, name in enumerate(names) if name == baseline])
    layers = comparisons.ratios(times.problems, threads, names, chosen)
    pairs = compare_totals(times.seconds[:, rivals], times.counts, layers, pairs=chosen)
    signs = signs_of(totals, pairs)
    fastest = signs.index("fastest")
    own = found[names[fastest]].total
    for name, sign, ratio in zip(names, signs, pairs.over(fastest, len(names)).tolist(), strict=True):
        total = own if sign == "fastest" else Total(*(_rounded(own.seconds * each) for each in ratio))
        found[name] = Placing(total, sign, Ratio(*ratio))
    return Placings(found, ComparedTotals(tuple(names), pairs))


def _rounded(seconds: float) -> float:
    """Without the last digits, in which logarithms err: equal totals are to be equal."""
    return float(f"{seconds:.12g}")


def _own(times: LayerTimes, number: int) -> Total:
    """From its own layers alone."""
    return Total(*(float(times.counts @ column[:, number]) for column in (times.seconds, times.low, times.high)))
