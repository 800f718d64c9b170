"""Intervals of pairs in a run that judges them before they have the planned starts.

Such a pair has a dozen rounds in its first start, or four, and a dozen more in each further one. An interval from order
statistics needs as many rounds as there are binary digits in its certainty, and with no more than those it is their
whole range, single disturbed rounds included. So the interval is one about their median, as wide as the median of so
many rounds scatters, what starts shift beside it.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import USUAL_COUNTS_AS
from pointwise_bench.report.statistics.order_statistics import ClusterRows, interval_index
from pointwise_bench.report.statistics.starts import MEDIAN_VARIANCE, Disagreement, Spread, normal_quantile

_MAD_EFFICIENCY: Final = 0.37  # of a median deviation, beside a standard deviation's, for normal samples


def half_widths(rounds: int, starts: int, own: Spread, alpha: float, usual: Disagreement) -> NDArray[np.float64]:
    """Of each pair's interval about the median of its log ratios, at a confidence of ``1 - alpha``.

    What rounds leave open and what starts do are independent, and joined by the root of the sum of squares, but for one
    start: of that nothing is known but what the other pairs have shown, pairs differ in it, and both are added up.
    """
    of_rounds = rounds_leave_open(rounds, starts, own.scatter, alpha, usual)
    of_starts = usual.shifts(alpha, starts, own.between)
    return of_rounds + of_starts if starts < 2 else np.hypot(of_rounds, of_starts)


def start_sides(ratios: ClusterRows, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Lows and highs of the sign test over starts, each counting once by its median; None where they are too few.

    Starts may be of two kinds: a backend whose threads wait for one another took 68 us in two starts of three and
    112 us in the others, on a virtual machine whose cores are not always near, and lost to another in every one of
    them. Their variance is then so large that twenty did not tell, where their order does. As both intervals hold at
    half of the share that the pair may err, so does what they have in common; whether there are two depends on the
    number of starts alone.
    """
    index = interval_index(ratios.count, alpha)
    if index is None:
        return None
    by_start = [np.median(ratios.values[:, ratios.labels == label], axis=1) for label in range(ratios.count)]
    ordered = np.sort(np.stack(by_start, axis=1), axis=1)
    return ordered[:, index], ordered[:, ratios.count - 1 - index]


def rounds_leave_open(
    rounds: int, starts: int, scatter: NDArray[np.float64], alpha: float, usual: Disagreement
) -> NDArray[np.float64]:
    """How far the median of so many rounds may be off, starts being alike.

    A median's standard deviation is that of a round times ``sqrt(pi / 2 / rounds)``. A round's variance is the pair's
    own, by its median deviation, drawn towards what is typical of the run, which counts as :data:`USUAL_COUNTS_AS`
    degrees of freedom (Smyth, Statistical Applications in Genetics 3, 2004). The quantile is Student's: rounds have
    heavy tails, and the median of few of them has tails about as heavy as his of so few degrees of freedom.
    """
    own = _MAD_EFFICIENCY * max(1, rounds - starts)
    variance = (USUAL_COUNTS_AS * usual.typical_round_sd**2 + own * scatter**2) / (USUAL_COUNTS_AS + own)
    quantile = student_quantile(alpha, rounds - 1 + USUAL_COUNTS_AS)
    found: NDArray[np.float64] = quantile * np.sqrt(MEDIAN_VARIANCE * variance / rounds)
    return found


@cache
def student_quantile(alpha: float, freedom: int) -> float:
    """How many standard deviations Student's t exceeds, to either side, with a probability of ``alpha``.

    By the expansion in powers of ``1 / freedom`` of Abramowitz and Stegun, 26.7.5; SciPy has it exactly, and is no
    dependency of the report.
    """
    z = normal_quantile(alpha)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / freedom**power for power, term in enumerate(terms))
