"""Distribution-free intervals of a median, from order statistics, for samples that come in clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import ALPHA, USUAL_COUNTS_AS


@cache
def interval_index(count: int, alpha: float = ALPHA) -> int | None:
    """Index ``k`` (from 0) such that the sorted samples ``k`` and ``count - 1 - k`` enclose the median.

    The interval misses the true median with a probability of at most ``alpha``, whatever the distribution: each
    sample lies below the median with probability 1/2, so the miss is ``2 * P(Binomial(count, 1/2) <= k)``
    (Conover, Practical Nonparametric Statistics, section 3.2). ``None`` where even the whole range misses more often.
    """
    # Whole numbers to the last: a sum of tiny floats would misplace k for the small alphas of many pairs, and from
    # 1,024 samples on 2**count is no float at all.
    tail, limit = 0, math.floor(Fraction(alpha) * 2**count)
    for index in range((count + 1) // 2):
        tail += math.comb(count, index)
        if 2 * tail > limit:
            return index - 1 if index else None
    return (count - 1) // 2 if count else None


@dataclass(frozen=True)
class Clusters:
    """Samples with the cluster that each belongs to; here a cluster is one start of a worker."""

    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    """From 0 to ``count - 1``."""
    count: int

    @classmethod
    def of(cls, values: NDArray[np.float64], labels: NDArray[np.int64]) -> Clusters:
        """``labels`` may be any whole numbers."""
        names, numbered = np.unique(labels, return_inverse=True)
        return cls(values, numbered, len(names))

    @cached_property
    def ordered(self) -> NDArray[np.float64]:
        """The values, the smallest first."""
        return np.sort(self.values)

    @cached_property
    def median(self) -> float:
        """The middle value, or the mean of the two middle ones; :func:`numpy.median` would order them once more."""
        half = self.ordered.size // 2
        if self.ordered.size % 2:
            return float(self.ordered[half])
        return float((self.ordered[half - 1] + self.ordered[half]) / 2)

    @cached_property
    def effect(self) -> float:
        """Their own :func:`design_effect`."""
        return design_effect(self)

    def median_interval(self, alpha: float = ALPHA, usual: float = 1.0) -> tuple[float, float, float]:
        """``(median, low, high)``; the ends are the whole range where the samples are too few for an interval.

        The sign test's interval, its half-width in ranks widened by the root of the design effect: so many fewer
        independent samples there are. ``usual`` is the design effect over the whole run.
        """
        ordered, size = self.ordered, self.ordered.size
        index = interval_index(size, alpha) or 0
        effect = moderated(self.effect, self.count - 1, usual)
        widened = max(0, math.floor((size - 1) / 2 - ((size - 1) / 2 - index) * math.sqrt(effect)))
        return self.median, float(ordered[widened]), float(ordered[size - 1 - widened])


def design_effect(samples: Clusters) -> float:
    """How much more the clusters disagree than their samples' own scatter explains; about 1 where they are alike.

    In each cluster count the samples above the median of all. Without a common shift within clusters the counts are
    binomial, and the sum of their squared deviations over ``n / 4`` has a chi-square distribution with ``count - 1``
    degrees of freedom; this is that sum over its degrees of freedom (Kish, Survey Sampling, 1965, for the name; Rao
    and Scott, Biometrics 48, 1992, for its use on proportions). 1 where there is one cluster only.
    """
    if samples.count < 2:
        return 1.0
    above = np.sign(samples.values - samples.median)  # ties count for neither side
    sums = np.bincount(samples.labels, weights=above, minlength=samples.count)
    sizes = np.bincount(samples.labels, minlength=samples.count)
    return float(np.sum(sums**2 / sizes) / (samples.count - 1))


def moderated(own: float, freedom: int, usual: float) -> float:
    """A pair's own design effect, drawn towards the run's, and never below 1.

    The weighting is that of moderated variances (Smyth, Statistical Applications in Genetics 3, 2004): own evidence
    counts by its degrees of freedom, the run's as :data:`USUAL_COUNTS_AS`.
    """
    freedom = max(freedom, 0)
    return max(1.0, (USUAL_COUNTS_AS * usual + freedom * own) / (USUAL_COUNTS_AS + freedom))
