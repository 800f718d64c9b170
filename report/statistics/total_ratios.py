"""The ratio of two totals, such as two backends' times for a whole network, from the ratios of what they add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import COMMON_TO_LAYERS, MARGIN
from pointwise_bench.report.statistics.chosen_pairs import every_two
from pointwise_bench.report.statistics.verdicts import Chosen, judge

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class LayerRatios:
    """Every compared pair ``a < b`` of some backends on every layer: arrays ``[layers, pairs]``.

    Logarithms of the time of b over the time of a, from rounds in which both ran, with the interval. NaN is the middle
    of a pair that never ran in the same round; ``decidable`` is false where that or too few rounds forbid a verdict.
    """

    middle: Numbers
    low: Numbers
    high: Numbers
    decidable: NDArray[np.bool_]


@dataclass(frozen=True)
class TotalRatios:
    """Every compared pair ``a < b`` of backends: logarithms of b's total over a's, and verdicts on a."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    middle: Numbers
    low: Numbers
    high: Numbers
    verdict: NDArray[np.str_]

    @property
    def ratio(self) -> Numbers:
        """The total of b over the total of a."""
        return np.exp(self.middle)

    def over(self, reference: int, count: int) -> Numbers:
        """``[count, 3]``: the total of each of ``count`` backends over that of ``reference``, and its interval.

        NaN where the two are not compared.
        """
        found: Numbers = np.full((count, 3), np.nan)
        found[reference] = 0
        as_first, as_second = self.first == reference, self.second == reference
        found[self.second[as_first]] = np.column_stack([self.middle, self.low, self.high])[as_first]
        found[self.first[as_second]] = -np.column_stack([self.middle, self.high, self.low])[as_second]
        ratios: Numbers = np.exp(found)
        return ratios


def compare_totals(
    seconds: Numbers, counts: Numbers, layers: LayerRatios, margin: float = MARGIN, pairs: Chosen | None = None
) -> TotalRatios:
    """Compare backends on the sum of layers, each ``counts`` times; ``seconds`` is ``[layers, backends]``.

    ``pairs`` are those to compare, which ``layers`` holds; without it every two are.

    Every layer gives the ratio of its own rounds, however many it has and whichever passes they are from: passes go to
    the layers that need them, and a total made of the passes that all layers have would throw those away. What a layer
    weighs follows from the times of both, whose level is the geometric mean of their medians and whose distance is the
    ratio, so that no stretch of time that only one of them has seen shifts the totals against each other.

    The errors of the layers' ratios add up as those of numbers of which :data:`COMMON_TO_LAYERS` is common: all alike
    would be their sum, all on their own the root of the sum of their squares.
    """
    first, second = every_two(seconds.shape[1]) if pairs is None else pairs
    logs = np.log(seconds)
    middle = np.where(np.isnan(layers.middle), logs[:, second] - logs[:, first], layers.middle)
    level = (logs[:, first] + logs[:, second]) / 2
    of_first, of_second = (counts[:, None] * np.exp(level + side * middle / 2) for side in (-1, 1))
    totals = of_first.sum(axis=0), of_second.sum(axis=0)
    weights = (of_first / totals[0] + of_second / totals[1]) / 2
    ratio = np.log(totals[1] / totals[0])
    low = ratio - _together(weights * (middle - layers.low))
    high = ratio + _together(weights * (layers.high - middle))
    decidable = np.all(layers.decidable, axis=0)
    return TotalRatios(first, second, ratio, low, high, judge(ratio, low, high, decidable, np.log1p(margin)))


def _together(parts: Numbers) -> Numbers:
    """The half-width of a sum from those of its parts, which lie along the first axis."""
    alike, apart = np.sum(parts, axis=0) ** 2, np.sum(parts**2, axis=0)
    combined: Numbers = np.sqrt(COMMON_TO_LAYERS * alike + (1 - COMMON_TO_LAYERS) * apart)
    return combined
