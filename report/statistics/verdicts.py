"""Which of two backends is faster on one problem, from rounds in which both ran and several starts of both.

Rounds are paired, so what slows the whole machine cancels. The process is a random factor: what a worker keeps from
its start to its end (where its memory lies, above all) shifts all of its rounds alike, and a few starts are all the
evidence there is about it, however many rounds they hold.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pointwise_bench.common.verdict_rule import ALPHA, FEWEST_COMMON_ROUNDS, MARGIN, PLANNED_STARTS
from pointwise_bench.report.statistics.looks import price_of_look
from pointwise_bench.report.statistics.order_statistics import ClusterRows, interval_index
from pointwise_bench.report.statistics.starts import Disagreement, spread, usual_round_sd, usual_start_sd

# A clock that did not advance still needs a logarithm.
_SHORTEST_S: Final = 1e-12
_NOTHING_KNOWN: Final = Disagreement()


@dataclass(frozen=True)
class Series:
    """Seconds per call of one backend, one per round, with each round's name and the start of the worker it is from."""

    log_seconds: NDArray[np.float64]
    rounds: NDArray[np.int64]
    processes: NDArray[np.int64]

    @classmethod
    def of(cls, seconds: ArrayLike, rounds: ArrayLike, processes: ArrayLike) -> Series:
        """All three of one length."""
        logs = np.log(np.maximum(np.asarray(seconds, dtype=np.float64), _SHORTEST_S))
        return cls(logs, np.asarray(rounds, dtype=np.int64), np.asarray(processes, dtype=np.int64))


@dataclass(frozen=True)
class Pairs:
    """All pairs ``a < b`` of a list of series, as columns of equal length.

    ``ratio``, ``low`` and ``high`` are time of b over time of a; ``verdict`` is said of a against b. ``sign_tested`` is
    false where the common ``rounds`` are too few for the sign test's interval, so that the verdict leans on how much
    other pairs scatter. ``starts`` counts the pairs of processes. ``effect`` is each pair's own design effect,
    ``between`` and ``within`` are its :class:`starts.Spread`.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rounds: NDArray[np.int64]
    starts: NDArray[np.int64]
    effect: NDArray[np.float64]
    between: NDArray[np.float64]
    within: NDArray[np.float64]
    sign_tested: NDArray[np.bool_]
    verdict: NDArray[np.str_]


def pair_up(series: Sequence[Series], margin: float = MARGIN, usual: Disagreement = _NOTHING_KNOWN) -> Pairs:
    """Compare every two of ``series``.

    A pair's result is the median of its per-round log ratios, with a sign-test interval. Its confidence of 95 % is
    divided among the pairs, since the reader looks for the best among all of them, and among the looks at the pair
    (:func:`looks.price_of_look`; Bonferroni). The interval is widened by how much the starts disagree, ``usual`` being
    what is known of that over the whole run. Where everybody has the planned starts before anything is judged, that is
    by the design effect (:attr:`order_statistics.ClusterRows.effects`), and for pairs that have fewer by
    :meth:`starts.Disagreement.allowance`; where pairs are judged earlier, by :meth:`starts.Disagreement.shifts`. A pair
    of too few rounds for a sign test gets :meth:`starts.Disagreement.few_rounds` on top.
    """
    first, second = _every_two(len(series))
    found = _Measured.nothing_of(len(first))
    for places in _alike(series):
        ratios = _ratios(series, first[places], second[places])
        if ratios.labels.size:
            found.put(places, ratios, ALPHA / len(first), usual)
    return Pairs(
        first=first,
        second=second,
        ratio=np.exp(found.middle),
        low=np.exp(found.low),
        high=np.exp(found.high),
        rounds=found.rounds,
        starts=found.starts,
        effect=found.effect,
        between=found.between,
        within=found.within,
        sign_tested=found.sign_tested,
        verdict=judge(found.middle, found.low, found.high, found.rounds >= FEWEST_COMMON_ROUNDS, np.log1p(margin)),
    )


@cache
def _every_two(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of both series of every pair among ``count``."""
    first, second = np.triu_indices(count, k=1)
    first.flags.writeable = second.flags.writeable = False  # shared by all that ask
    return first, second


def _alike(series: Sequence[Series]) -> Iterable[NDArray[np.int64]]:
    """Places of pairs, in groups within which all pairs have the same rounds from the same starts."""
    kinds: dict[tuple[bytes, bytes], int] = {}
    kind = [kinds.setdefault((one.rounds.tobytes(), one.processes.tobytes()), len(kinds)) for one in series]
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for place, (a, b) in enumerate(zip(*(column.tolist() for column in _every_two(len(series))), strict=True)):
        groups[kind[a], kind[b]].append(place)
    return [np.array(places) for places in groups.values()]


def _ratios(series: Sequence[Series], first: NDArray[np.int64], second: NDArray[np.int64]) -> ClusterRows:
    """Log ratios of the common rounds of pairs that are alike, by the pair of processes that they are from."""
    a, b = series[first[0]], series[second[0]]
    _, in_a, in_b = np.intersect1d(a.rounds, b.rounds, assume_unique=True, return_indices=True)
    processes = a.processes[in_a] * (1 + b.processes.max(initial=0)) + b.processes[in_b]
    of_first = np.stack([series[number].log_seconds[in_a] for number in first.tolist()])
    of_second = np.stack([series[number].log_seconds[in_b] for number in second.tolist()])
    return ClusterRows.of(of_second - of_first, processes)


@dataclass(frozen=True)
class _Measured:
    """What the rounds of pairs show before it is judged: columns of equal length, in logarithms."""

    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rounds: NDArray[np.int64]
    starts: NDArray[np.int64]
    effect: NDArray[np.float64]
    between: NDArray[np.float64]
    within: NDArray[np.float64]
    sign_tested: NDArray[np.bool_]

    @classmethod
    def nothing_of(cls, count: int) -> _Measured:
        """As of pairs without a common round."""
        return cls(
            middle=np.zeros(count),
            low=np.zeros(count),
            high=np.zeros(count),
            rounds=np.zeros(count, dtype=np.int64),
            starts=np.zeros(count, dtype=np.int64),
            effect=np.ones(count),
            between=np.full(count, math.nan),
            within=np.full(count, math.nan),
            sign_tested=np.zeros(count, dtype=np.bool_),
        )

    def put(self, places: NDArray[np.int64], ratios: ClusterRows, alpha: float, usual: Disagreement) -> None:
        """Fill in what ``ratios`` show, a row of them for each of the ``places``."""
        rounds, starts = ratios.labels.size, ratios.count
        alpha /= price_of_look(starts, usual.first_look)
        enough = interval_index(rounds, alpha) is not None
        own = spread(ratios)
        if usual.judged_early:
            self.middle[places], low, high = ratios.unwidened_intervals(alpha)
            wider = usual.shifts(alpha, starts, own.between)
        else:
            self.middle[places], low, high = ratios.median_intervals(alpha, usual.effect)
            wider = np.full(len(places), usual.allowance(alpha, starts))
        if not enough:  # the interval is the whole range, and still too narrow
            wider += usual.few_rounds(alpha)
        self.low[places], self.high[places] = low - wider, high + wider
        self.rounds[places], self.starts[places], self.sign_tested[places] = rounds, starts, enough
        self.effect[places], self.between[places], self.within[places] = ratios.effects, own.between, own.within


def judge(
    middle: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    possible: NDArray[np.bool_],
    margin: float,
) -> NDArray[np.str_]:
    """Different: surely not equal, and by more than the margin as far as can be told. The same: surely within it.

    That the whole interval lie beyond the margin was tried and rejected: it finds a difference of 1.5 margins only
    with intervals of half a margin, which takes ten times as many rounds.
    """
    verdicts = np.full(middle.shape, "undecided")
    # Behind each other, the last of them has the last word.
    verdicts[(low >= -margin) & (high <= margin)] = "same"
    verdicts[(high < 0) & (middle < -margin)] = "slower"
    verdicts[(low > 0) & (middle > margin)] = "faster"
    verdicts[~possible] = "undecided"
    return verdicts


def usual_disagreement(pairs: Sequence[Pairs], first_look: int = PLANNED_STARTS) -> Disagreement:
    """What is known over all pairs of a run; the design effects count by the starts that each pair had beyond one."""
    if not pairs:
        return Disagreement(first_look=first_look)
    effect, between, within, starts = (
        np.concatenate([getattr(each, name) for each in pairs]) for name in ("effect", "between", "within", "starts")
    )
    weight = np.maximum(starts - 1, 0)
    return Disagreement(
        effect=max(1.0, float(np.average(effect, weights=weight))) if weight.sum() else 1.0,
        start_sd=usual_start_sd(between, starts),
        round_sd=usual_round_sd(within),
        first_look=first_look,
    )
