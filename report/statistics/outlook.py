"""How many more starts would settle who leads: what a run goes by when it decides where its time is worth most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.statistics.leaders import Leaders

_NEAREST: Final = 1e-3
"""Distance, as a log ratio, below which a pair is as good as never told apart."""


@dataclass(frozen=True)
class Intervals:
    """Every pair ``a < b`` of some series, as columns: logarithms of the time of b over that of a, and their starts.

    ``by_order``: after how many more of them their order may tell (see :class:`verdicts.Pairs`).
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    starts: NDArray[np.int64]
    by_order: NDArray[np.float64]


def more_starts(found: Leaders[int], pairs: Intervals, margin: float = MARGIN) -> int:
    """How many more starts of the contenders would settle the leaders; 0 where they are, and at least 1 otherwise.

    An interval's half-width falls with the root of the number of starts. A pair whose middle is beyond the margin is
    told apart once it is smaller than the distance of the middle from equality, and one within the margin is the same
    once it is smaller than the distance of the middle from the margin. Starts of two kinds are told apart by their
    order long before. Who is undecided needs one leader that it can be told from, and the slowest of them counts. A
    guess: the middle of few starts is not yet where it will be.
    """
    if found.settled:
        return 0
    limit = math.log1p(margin)
    away = np.abs(pairs.middle)
    target = np.maximum(np.where(away > limit, away, limit - away), _NEAREST)
    half = np.maximum(pairs.high - pairs.middle, pairs.middle - pairs.low)
    needed = pairs.starts * (half / target) ** 2 - pairs.starts
    needed = np.where(away > limit, np.minimum(needed, pairs.by_order), needed)
    most = 1.0
    for one in found.undecided:
        against = _against(one, found.leaders, pairs) & (pairs.starts > 0)
        most = max(most, float(np.min(needed[against], initial=math.inf)))
    return math.ceil(min(most, 1e6) - 1e-9)  # what comes out whole, but for rounding, is whole


def _against(one: int, leaders: frozenset[int], pairs: Intervals) -> NDArray[np.bool_]:
    leading = np.isin(np.arange(1 + int(pairs.second.max(initial=0))), list(leaders))
    found: NDArray[np.bool_] = ((pairs.first == one) & leading[pairs.second]) | (
        (pairs.second == one) & leading[pairs.first]
    )
    return found
