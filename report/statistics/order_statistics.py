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
    # Each binomial coefficient from the one before: computed anew each, 40,000 samples took minutes.
    tail, term, limit = 0, 1, math.floor(Fraction(alpha) * 2**count)
    for index in range((count + 1) // 2):
        tail += term
        term = term * (count - index) // (index + 1)
        if 2 * tail > limit:
            return index - 1 if index else None
    return (count - 1) // 2 if count else None


@dataclass(frozen=True)
class ClusterRows:
    """Several rows of samples whose columns belong to the same clusters; here a cluster is one start of a worker.

    The pairs of a problem have the same rounds for the most part, and a run looks at hundreds of them again and again:
    row by row that took most of a second for forty backends.
    """

    values: NDArray[np.float64]
    """By row and sample."""
    labels: NDArray[np.int64]
    """The cluster of each sample, from 0 to ``count - 1``."""
    count: int

    @classmethod
    def of(cls, values: NDArray[np.float64], labels: NDArray[np.int64]) -> ClusterRows:
        """``labels`` may be any whole numbers."""
        return cls(values, *_numbered(labels))

    @cached_property
    def ordered(self) -> NDArray[np.float64]:
        """The values of each row, the smallest first."""
        return np.sort(self.values, axis=1)

    @cached_property
    def medians(self) -> NDArray[np.float64]:
        """The middle values, or the means of the two middle ones; :func:`numpy.median` would order them once more."""
        half = self.ordered.shape[1] // 2
        if self.ordered.shape[1] % 2:
            return self.ordered[:, half]
        middle: NDArray[np.float64] = (self.ordered[:, half - 1] + self.ordered[:, half]) / 2
        return middle

    @cached_property
    def effects(self) -> NDArray[np.float64]:
        """Each row's design effect: how much more its clusters disagree than its samples' own scatter explains.

        About 1 where they are alike. In each cluster count the samples above the median of all. Without a common shift
        within clusters the counts are binomial, and the sum of their squared deviations over ``n / 4`` has a chi-square
        distribution with ``count - 1`` degrees of freedom; this is that sum over its degrees of freedom (Kish, Survey
        Sampling, 1965, for the name; Rao and Scott, Biometrics 48, 1992, for its use on proportions). 1 where there is
        one cluster only.
        """
        if self.count < 2:
            return np.ones(len(self.values))
        above = np.sign(self.values - self.medians[:, np.newaxis])  # ties count for neither side
        sums = np.stack([above[:, self.labels == label].sum(axis=1) for label in range(self.count)], axis=1)
        sizes = np.bincount(self.labels, minlength=self.count)
        effects: NDArray[np.float64] = np.sum(sums**2 / sizes, axis=1) / (self.count - 1)
        return effects

    def median_intervals(
        self, alpha: float = ALPHA, usual: float = 1.0, effects: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Medians, lows and highs; the ends are the whole range where the samples are too few for an interval.

        The sign test's interval, its half-width in ranks widened by the root of the design effect: so many fewer
        independent samples there are. ``usual`` is the design effect over the whole run. ``effects`` are the rows'
        own, where somebody has computed them before: it takes longer than all the rest.
        """
        size = self.ordered.shape[1]
        index = interval_index(size, alpha) or 0
        effects = moderated(self.effects if effects is None else effects, self.count - 1, usual)
        ranks = np.floor((size - 1) / 2 - ((size - 1) / 2 - index) * np.sqrt(effects))
        widened = np.maximum(0, ranks).astype(np.int64)
        rows = np.arange(len(self.values))
        return self.medians, self.ordered[rows, widened], self.ordered[rows, size - 1 - widened]


@dataclass(frozen=True)
class Clusters:
    """Samples with the cluster that each belongs to: a single one of :class:`ClusterRows`."""

    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    """From 0 to ``count - 1``."""
    count: int

    @classmethod
    def of(cls, values: NDArray[np.float64], labels: NDArray[np.int64]) -> Clusters:
        """``labels`` may be any whole numbers."""
        return cls(values, *_numbered(labels))

    @cached_property
    def row(self) -> ClusterRows:
        """The same as the only row of a table."""
        return ClusterRows(np.reshape(self.values, (1, -1)), self.labels, self.count)

    def median_interval(self, alpha: float = ALPHA, usual: float = 1.0) -> tuple[float, float, float]:
        """``(median, low, high)``: see :meth:`ClusterRows.median_intervals`."""
        (median,), (low,), (high,) = self.row.median_intervals(alpha, usual)
        return float(median), float(low), float(high)


def _numbered(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The labels from 0 on, and how many there are."""
    names, numbered = np.unique(labels, return_inverse=True)
    return numbered, len(names)


def design_effect(samples: Clusters) -> float:
    """How much more the clusters disagree than the samples' own scatter explains: see :attr:`ClusterRows.effects`."""
    return float(samples.row.effects[0])


def moderated(own: NDArray[np.float64] | float, freedom: int, usual: float) -> NDArray[np.float64]:
    """A pair's own design effect, drawn towards the run's, and never below 1.

    The weighting is that of moderated variances (Smyth, Statistical Applications in Genetics 3, 2004): own evidence
    counts by its degrees of freedom, the run's as :data:`USUAL_COUNTS_AS`.
    """
    freedom = max(freedom, 0)
    return np.maximum(1.0, (USUAL_COUNTS_AS * usual + freedom * np.asarray(own)) / (USUAL_COUNTS_AS + freedom))
