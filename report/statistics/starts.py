"""How much the starts of workers disagree: what a start adds to the uncertainty that its rounds show.

What a worker keeps from its start to its end shifts all of its rounds alike. A pair with several starts shows by how
much; a pair with one does not, however many rounds it has, and takes over what the other pairs of its run have shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import (
    PLANNED_STARTS,
    ROUND_SD,
    ROUND_SD_QUANTILE,
    START_SD,
    START_SD_COUNTS_AS,
    TYPICAL_QUANTILE,
    TYPICAL_ROUND_SD,
    USUAL_COUNTS_AS,
)
from pointwise_bench.report.statistics.order_statistics import ClusterRows

MEDIAN_VARIANCE = math.pi / 2  # of a median over that of a mean, for normal samples
_MAD_TO_SD = 1.4826  # median absolute deviation to standard deviation, for normal samples
_TELLING = 5  # rounds of one start from which its scatter is learnt


@dataclass(frozen=True)
class Disagreement:
    """What is known over a whole run and one thread budget, by which its pairs are judged.

    Standard deviations are of log ratios.
    """

    effect: float = 1.0
    """How much more the starts of a pair disagree than its rounds explain: the design effect of
    :attr:`order_statistics.ClusterRows.effects`."""
    start_sd: float = START_SD
    """Of what a start shifts all rounds of a pair by."""
    round_sd: float = ROUND_SD
    """Of single rounds of one start, for a pair that scatters much."""
    typical_round_sd: float = TYPICAL_ROUND_SD
    """The same for a pair as most are."""
    first_look: int = PLANNED_STARTS
    """After how many starts the run first judged who can still be the fastest: see :func:`looks.price_of_look`."""

    @property
    def judged_early(self) -> bool:
        """Whether pairs are judged before everybody has the planned starts, as in screening and finals."""
        return self.first_look < PLANNED_STARTS

    def shifts(self, alpha: float, starts: int, between: NDArray[np.float64]) -> NDArray[np.float64]:
        """What starts may have shifted each pair by, on either side, in a run that judges pairs early.

        ``z * sd``, with the :meth:`shift_sd` of a mean over the starts.
        """
        found: NDArray[np.float64] = normal_quantile(alpha) * self.shift_sd(starts, between)
        return found

    def shift_sd(self, starts: int, between: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviation of the mean of so many starts of each pair: ``sd / sqrt(starts)``.

        The variance is the pair's own, ``between``, drawn towards the run's, which counts as :data:`USUAL_COUNTS_AS`
        starts (moderated variances: Smyth, Statistical Applications in Genetics 3, 2004); a pair with one start has
        none of its own.
        """
        own = np.where(np.isnan(between), 0.0, np.maximum(between, 0.0))
        freedom = max(starts - 1, 0)
        variance = (USUAL_COUNTS_AS * self.start_sd**2 + freedom * own) / (USUAL_COUNTS_AS + freedom)
        found: NDArray[np.float64] = np.sqrt(variance / max(starts, 1))
        return found

    def allowance(self, alpha: float, starts: int) -> float:
        """What a pair's interval lacks on either side where it has fewer starts than planned, in a full run.

        With as many as planned, the interval's own widening by the design effect covers them. ``starts`` of them know a
        pair's shift with a variance of ``start_sd**2 / starts``, and this is the part of it that belongs to the starts
        that are missing beyond the first: all of it with one start, whose rounds show nothing of its shift.

        It is *added* to the interval, and not joined with it by the root of the sum of squares, as for independent
        normal errors: shifts have heavier tails than a normal distribution. For the same reason it is not reckoned from
        a variance of ``start_sd**2 * (1 / starts - 1 / planned)``, by which three starts know more: in simulations with
        Student's t of three degrees of freedom that gave pairs with one start twice the false verdicts of pairs with
        three (docs/experiments/one_start.py).
        """
        if not 0 < starts < PLANNED_STARTS:
            return 0.0
        missing = (PLANNED_STARTS - starts) / (PLANNED_STARTS - 1)
        return normal_quantile(alpha) * self.start_sd * math.sqrt(missing / starts)

    def few_rounds(self, alpha: float) -> float:
        """What is added on either side to the range of rounds that are too few for an interval of their median."""
        return normal_quantile(alpha) * self.round_sd


@cache
def normal_quantile(alpha: float) -> float:
    """How many standard deviations a normal error exceeds, to either side, with a probability of ``alpha``."""
    return NormalDist().inv_cdf(1 - alpha / 2)


@dataclass(frozen=True)
class Spread:
    """How the log ratios of pairs spread, between their starts and within them: an entry for each pair."""

    between: NDArray[np.float64]
    """Variance between starts, less what the rounds explain of it; below zero by chance where there is none. NaN with
    one start."""
    within: NDArray[np.float64]
    """Standard deviation of rounds within their start. NaN where no start has enough of them."""
    scatter: NDArray[np.float64]
    """The same of all rounds about the middle of their start, however few they are: never NaN."""


def spread(ratios: ClusterRows) -> Spread:
    """Both, from medians and median deviations: single rounds that were disturbed do not count."""
    by_start = [ratios.values[:, ratios.labels == label] for label in range(ratios.count)]
    telling = [values for values in by_start if values.shape[1] >= _TELLING]
    unknown, about_middles = np.full(len(ratios.values), math.nan), _scatter(by_start)
    if not telling:
        return Spread(unknown, unknown, about_middles)
    medians = np.stack([_middles(values) for values in telling])
    deviations = np.stack(
        [
            _MAD_TO_SD * _middles(np.abs(values - median[:, np.newaxis]))
            for values, median in zip(telling, medians, strict=True)
        ]
    )
    within = deviations.mean(axis=0)
    if len(telling) < 2:
        return Spread(unknown, within, about_middles)
    sizes = np.array([[values.shape[1]] for values in telling])
    explained = np.mean(MEDIAN_VARIANCE * deviations**2 / sizes, axis=0)
    return Spread(np.var(medians, axis=0, ddof=1) - explained, within, about_middles)


def _scatter(by_start: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Standard deviation of rounds about their start's median, by their median deviation.

    As for means, deviations are too small by what the medians have taken of them: a degree of freedom for each start.
    """
    about = np.concatenate([np.abs(values - _middles(values)[:, np.newaxis]) for values in by_start], axis=1)
    rounds = about.shape[1]
    correction = math.sqrt(rounds / max(1, rounds - len(by_start)))
    scatter: NDArray[np.float64] = _MAD_TO_SD * correction * _middles(about)
    return scatter


def _middles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of each row, as :func:`numpy.median` has it, which takes five times as long for rows this short."""
    ordered = np.sort(values, axis=1)
    half = values.shape[1] // 2
    if values.shape[1] % 2:
        return ordered[:, half]
    middle: NDArray[np.float64] = (ordered[:, half - 1] + ordered[:, half]) / 2
    return middle


def usual_start_sd(between: NDArray[np.float64], starts: NDArray[np.int64]) -> float:
    """Standard deviation of a start's shift over many pairs, drawn towards :data:`START_SD` while there are few.

    The pairs' variances are averaged by their degrees of freedom, ``starts - 1``, the prior counting as
    :data:`START_SD_COUNTS_AS` of them.
    """
    known = ~np.isnan(between)
    freedom = np.maximum(starts[known] - 1, 0)
    total = START_SD_COUNTS_AS * START_SD**2 + float(np.sum(freedom * between[known]))
    return math.sqrt(max(0.0, total / (START_SD_COUNTS_AS + float(np.sum(freedom)))))


def typical_round_sd(within: NDArray[np.float64]) -> float:
    """The scatter of rounds that :data:`TYPICAL_QUANTILE` of the pairs stay below; a constant without any."""
    known = within[~np.isnan(within)]
    return float(np.quantile(known, TYPICAL_QUANTILE)) if known.size else TYPICAL_ROUND_SD


def usual_round_sd(within: Sequence[float] | NDArray[np.float64]) -> float:
    """The scatter of rounds that :data:`ROUND_SD_QUANTILE` of the pairs stay below; :data:`ROUND_SD` without any."""
    known = np.asarray(within, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(np.quantile(known, ROUND_SD_QUANTILE)) if known.size else ROUND_SD
