"""Distribution-free intervals of a median, from order statistics."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05


@cache
def interval_index(count: int, alpha: float = ALPHA) -> int | None:
    """Index ``k`` (from 0) such that the sorted samples ``k`` and ``count - 1 - k`` enclose the median.

    The interval misses the true median with a probability of at most ``alpha``, whatever the distribution: each
    sample lies below the median with probability 1/2, so the miss is ``2 * P(Binomial(count, 1/2) <= k)``
    (Conover, Practical Nonparametric Statistics, section 3.2). ``None`` where even the whole range misses more often.
    """
    # Whole numbers until the last step: a sum of tiny floats would misplace k for the small alphas of many pairs.
    tail = 0
    for index in range((count + 1) // 2):
        tail += math.comb(count, index)
        if 2 * tail > alpha * 2**count:
            return index - 1 if index else None
    return (count - 1) // 2 if count else None


def median_interval(samples: NDArray[np.float64], alpha: float = ALPHA) -> tuple[float, float, float]:
    """``(median, low, high)`` of one series; the ends are its whole range where it is too short for an interval."""
    ordered = np.sort(samples)
    index = interval_index(ordered.size, alpha) or 0
    return float(np.median(ordered)), float(ordered[index]), float(ordered[ordered.size - 1 - index])
