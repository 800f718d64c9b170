"""Intervals of pairs in a run that judges them before they have the planned starts.

Such a pair has a dozen rounds in its first start, or four, and a dozen more in each further one. An interval from order
statistics needs as many rounds as there are binary digits in its certainty, and with no more than those it is their
whole range, single disturbed rounds included. So the interval is one about their median, as wide as the median of so
many rounds scatters, what starts shift beside it. Where there are many starts, their order may narrow it
(:mod:`sequential_signs`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import ALPHA, USUAL_COUNTS_AS
from pointwise_bench.report.statistics.looks import PRICE_OF_ORDER, price_of_look
from pointwise_bench.report.statistics.order_statistics import ClusterRows
from pointwise_bench.report.statistics.sequential_signs import more_to_tell, sequential_index
from pointwise_bench.report.statistics.starts import MEDIAN_VARIANCE, Disagreement, Spread, normal_quantile

_MAD_EFFICIENCY: Final = 0.37  # of a median deviation, beside a standard deviation's, for normal samples

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What pairs with the same rounds from the same starts show, whatever certainty is asked of them.

    Logarithms of ratios, an entry for each pair. How certain an interval has to be depends on how many rivals of a pair
    are left, which is known only when all pairs of a problem are judged (:mod:`step_down`).
    """

    middle: Numbers
    of_rounds: Numbers
    """Standard deviation of the middle by the scatter of rounds, and by what the starts shift."""
    of_starts: Numbers
    freedom: int
    """Degrees of freedom of the former."""
    by_start: Numbers
    """The median of each start, in ascending order: ``[starts, pairs]``."""
    first_look: int

    @classmethod
    def of(cls, ratios: ClusterRows, own: Spread, usual: Disagreement) -> Evidence:
        """``own`` is what the rows of ``ratios`` show of themselves, ``usual`` what is known over the whole run."""
        medians = [np.median(ratios.values[:, ratios.labels == label], axis=1) for label in range(ratios.count)]
        rounds, starts = ratios.labels.size, ratios.count
        return cls(
            middle=ratios.medians,
            of_rounds=_rounds_sd(rounds, starts, own.scatter, usual),
            of_starts=usual.shift_sd(starts, own.between),
            freedom=rounds - 1 + USUAL_COUNTS_AS,
            by_start=np.sort(np.stack(medians), axis=0),
            first_look=usual.first_look,
        )

    @property
    def starts(self) -> int:
        """Of each pair."""
        return len(self.by_start)

    def interval(self, rivals: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
        """Lows and highs, each pair's share of false verdicts being :data:`ALPHA` divided by its number of ``rivals``.

        What rounds leave open and what starts do are independent, and joined by the root of the sum of squares, but for
        one start: of that nothing is known but what the other pairs have shown, pairs differ in it, and both are added
        up. The order of starts has a share of its own, so the interval is what both have in common.
        """
        price = price_of_look(self.starts, self.first_look)
        of_rounds = self.of_rounds * _of_each(rivals, lambda alpha: student_quantile(alpha / price, self.freedom))
        of_starts = self.of_starts * _of_each(rivals, lambda alpha: normal_quantile(alpha / price))
        half = of_rounds + of_starts if self.starts < 2 else np.hypot(of_rounds, of_starts)
        low, high = self._in_order(rivals)
        return np.maximum(self.middle - half, low), np.minimum(self.middle + half, high)

    def _in_order(self, rivals: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
        """What the order of starts says, each counting once; infinite ends where they are too few.

        The middle is of all rounds, and may lie beyond the middle starts.
        """
        index = _of_each(rivals, self._index).astype(np.int64)
        told, pair = index >= 0, np.arange(index.size)
        low = np.minimum(self.by_start[index, pair], self.middle)
        high = np.maximum(self.by_start[self.starts - 1 - np.maximum(index, 0), pair], self.middle)
        return np.where(told, low, -math.inf), np.where(told, high, math.inf)

    def _index(self, alpha: float) -> float:
        found = sequential_index(self.starts, alpha / PRICE_OF_ORDER)
        return -1 if found is None else found

    def starts_to_order(self, rivals: NDArray[np.int64]) -> Numbers:
        """How many more starts tell a pair apart by their order, if they go on as most did: :func:`more_to_tell`."""
        contrary = np.sum((self.by_start > 0) != (self.middle > 0), axis=0)
        shares = ALPHA / PRICE_OF_ORDER / rivals
        return np.array(
            [
                more_to_tell(self.starts, against, share)
                for against, share in zip(contrary.tolist(), shares.tolist(), strict=True)
            ]
        )


def _of_each(rivals: NDArray[np.int64], of: Callable[[float], float]) -> Numbers:
    """What ``of`` is of each pair's share of false verdicts, of which there are few in all."""
    counts, where = np.unique(rivals, return_inverse=True)
    found: Numbers = np.array([of(ALPHA / count) for count in counts.tolist()], dtype=np.float64)[where]
    return found


def rounds_leave_open(rounds: int, starts: int, scatter: Numbers, alpha: float, usual: Disagreement) -> Numbers:
    """How far the median of so many rounds may be off, starts being alike.

    The quantile is Student's: rounds have heavy tails, and the median of few of them has tails about as heavy as his of
    so few degrees of freedom.
    """
    return student_quantile(alpha, rounds - 1 + USUAL_COUNTS_AS) * _rounds_sd(rounds, starts, scatter, usual)


def _rounds_sd(rounds: int, starts: int, scatter: Numbers, usual: Disagreement) -> Numbers:
    """The standard deviation of a median: that of a round times ``sqrt(pi / 2 / rounds)``.

    A round's variance is the pair's own, by its median deviation, drawn towards what is typical of the run, which
    counts as :data:`USUAL_COUNTS_AS` degrees of freedom (Smyth, Statistical Applications in Genetics 3, 2004).
    """
    own = _MAD_EFFICIENCY * max(1, rounds - starts)
    variance = (USUAL_COUNTS_AS * usual.typical_round_sd**2 + own * scatter**2) / (USUAL_COUNTS_AS + own)
    found: Numbers = np.sqrt(MEDIAN_VARIANCE * variance / rounds)
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
