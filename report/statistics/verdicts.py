"""Which of two backends is faster on one problem, from rounds in which both ran and several starts of both.

Rounds are paired, so what slows the whole machine cancels. The process is a random factor: what a worker keeps from
its start to its end (where its memory lies, above all) shifts all of its rounds alike, and a few starts are all the
evidence there is about it, however many rounds they hold.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pointwise_bench.common.verdict_rule import ALPHA, FEWEST_COMMON_ROUNDS, MARGIN, PLANNED_STARTS
from pointwise_bench.report.statistics.chosen_pairs import every_two
from pointwise_bench.report.statistics.early_intervals import half_widths, start_sides
from pointwise_bench.report.statistics.looks import price_of_look
from pointwise_bench.report.statistics.order_statistics import ClusterRows, interval_index
from pointwise_bench.report.statistics.starts import (
    Disagreement,
    Spread,
    spread,
    typical_round_sd,
    usual_round_sd,
    usual_start_sd,
)

# A clock that did not advance still needs a logarithm.
_SHORTEST_S: Final = 1e-12
_NOTHING_KNOWN: Final = Disagreement()
Chosen = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The numbers of both series of each pair of a problem that is compared."""
# Of ratios: what a processor's cache holds is ordered twice as fast as what only the memory does.
_AT_ONCE: Final = 2**18


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
    """All pairs ``a < b`` of a list of series, or those chosen of them, as columns of equal length.

    ``ratio``, ``low`` and ``high`` are time of b over time of a; ``verdict`` is said of a against b. ``sign_tested`` is
    false where the interval is not the sign test's: in runs that judge early, and where the common ``rounds`` are too
    few for one, so that the verdict leans on how much other pairs scatter. ``starts`` counts the pairs of processes.
    ``effect`` is each pair's own design effect, ``between``, ``within`` and ``scatter`` are its :class:`starts.Spread`.
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
    scatter: NDArray[np.float64]
    sign_tested: NDArray[np.bool_]
    verdict: NDArray[np.str_]


def pair_up(series: Sequence[Series], margin: float = MARGIN, usual: Disagreement = _NOTHING_KNOWN) -> Pairs:
    """Compare every two of ``series``.

    A pair's result is the median of its per-round log ratios with an interval. Its confidence of 95 % is divided, since
    the reader looks for the best among all, and among the looks at the pair (:func:`looks.price_of_look`; Bonferroni).

    Where everybody has the planned starts before anything is judged, the interval is the sign test's, the confidence is
    divided among the pairs, and the starts' disagreement widens it by the design effect
    (:attr:`order_statistics.ClusterRows.effects`), for pairs with fewer starts by
    :meth:`starts.Disagreement.allowance`; a pair of too few rounds for a sign test gets
    :meth:`starts.Disagreement.few_rounds` on top. Where pairs are judged earlier, it is that of
    :mod:`early_intervals`, and the confidence is divided among the rivals of a backend: what is said of any one of
    them, of the fastest above all, holds jointly (as in comparisons with the best: Hsu, Annals of Statistics 12, 1984).
    ``usual`` is what is known of starts over the whole run.
    """
    (pairs,) = Field([series]).judged(margin, usual)
    return pairs


class Field:
    """The pairs of several problems' series: :func:`pair_up` for each problem, in a fraction of the time.

    Problems of a run mostly have the same rounds from the same starts, and pairs that have are reckoned with together,
    whichever problem they are of. What they show before anything is known of the run is kept for the judgement.
    """

    def __init__(self, problems: Sequence[Sequence[Series]], chosen: Sequence[Chosen] | None = None) -> None:
        """``chosen`` are the pairs to compare of each problem; without it every two are.

        What is said of a pair does not depend on whether others are compared: its confidence is divided among all.
        """
        sizes = [len(series) for series in problems]
        self._pairs = list(map(every_two, sizes)) if chosen is None else list(chosen)
        self._ends = [0, *np.cumsum([len(first) for first, _ in self._pairs], dtype=np.int64).tolist()]
        self._alike = list(_alike(problems, self._pairs))

    @cached_property
    def _shown(self) -> _Shown:
        found = _Shown.nothing_of(self._ends[-1])
        for part in self._parts():
            own = spread(part.ratios)
            found.rounds[part.places], found.starts[part.places] = part.ratios.labels.size, part.ratios.count
            found.effect[part.places] = part.ratios.effects
            found.between[part.places], found.within[part.places] = own.between, own.within
            found.scatter[part.places] = own.scatter
        return found

    def _parts(self) -> Iterable[_Part]:
        return (part for alike in self._alike for part in alike.parts())

    def usual(self, first_look: int = PLANNED_STARTS) -> Disagreement:
        """What is known over all pairs; the design effects count by the starts that each pair had beyond one."""
        return _usual(self._shown, first_look) if self._pairs else Disagreement(first_look=first_look)

    def judged(self, margin: float = MARGIN, usual: Disagreement = _NOTHING_KNOWN) -> list[Pairs]:
        """Every two of each problem's series, as :func:`pair_up` compares them."""
        shown = self._shown
        found = _Interval.nothing_of(self._ends[-1])
        for part in self._parts():
            found.put(part, shown, usual)
        columns = {
            "ratio": np.exp(found.middle),
            "low": np.exp(found.low),
            "high": np.exp(found.high),
            "rounds": shown.rounds,
            "starts": shown.starts,
            "effect": shown.effect,
            "between": shown.between,
            "within": shown.within,
            "scatter": shown.scatter,
            "sign_tested": found.sign_tested,
            "verdict": judge(
                found.middle, found.low, found.high, shown.rounds >= FEWEST_COMMON_ROUNDS, np.log1p(margin)
            ),
        }
        return [
            Pairs(*pairs, **{name: column[start:end] for name, column in columns.items()})
            for pairs, start, end in zip(self._pairs, self._ends[:-1], self._ends[1:], strict=True)
        ]


@dataclass(frozen=True)
class _Part:
    """Pairs with the same rounds from the same starts: where they stand among all, and a row of log ratios of each."""

    places: NDArray[np.int64]
    ratios: ClusterRows
    among: int
    """How many pairs the problem of each has, compared or not."""

    def alpha(self, usual: Disagreement) -> float:
        """The share of false verdicts that each is allowed: one among all pairs of a problem, or among one's rivals."""
        rivals = (math.isqrt(8 * self.among + 1) - 1) // 2
        share = ALPHA / (rivals if usual.judged_early else self.among)
        return share / price_of_look(self.ratios.count, usual.first_look)


@dataclass(frozen=True)
class _Side:
    """The first series of many pairs, or the second ones: rows of a table, and the columns that are paired."""

    logs: NDArray[np.float64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64] | None
    """None for all of them, in their order."""

    def of(self, own: slice) -> NDArray[np.float64]:
        """Logarithms of the times of some of the pairs, in their common rounds."""
        chosen = self.logs[self.rows[own]]
        return chosen if self.columns is None else chosen[:, self.columns]


@dataclass(frozen=True)
class _Alike:
    """What :class:`_Part` is made of."""

    places: NDArray[np.int64]
    first: _Side
    second: _Side
    labels: NDArray[np.int64]
    among: int

    def parts(self) -> Iterable[_Part]:
        """As many pairs at once as are handled without filling the memory; none where no round is common."""
        rounds = self.labels.size
        step = max(1, _AT_ONCE // max(1, rounds))
        for begin in range(0, len(self.places) if rounds else 0, step):
            own = slice(begin, begin + step)
            ratios = ClusterRows.of(self.second.of(own) - self.first.of(own), self.labels)
            yield _Part(self.places[own], ratios, self.among)


def _alike(problems: Sequence[Sequence[Series]], pairs: Sequence[Chosen]) -> Iterable[_Alike]:
    """All pairs, in groups within which they have the same rounds from the same starts and the same confidence."""
    kinds: dict[tuple[bytes, bytes], int] = {}
    members: list[list[Series]] = []
    kind, row = [], []
    for one in itertools.chain.from_iterable(problems):
        number = kinds.setdefault((one.rounds.tobytes(), one.processes.tobytes()), len(kinds))
        if number == len(members):
            members.append([])
        kind.append(number)
        row.append(len(members[number]))
        members[number].append(one)
    sizes = [len(series) for series in problems]
    first, second = _of_all(sizes, pairs)
    kind_of, row_of = np.array(kind, dtype=np.int64), np.array(row, dtype=np.int64)
    logs = [np.stack([one.log_seconds for one in own]) for own in members]
    among = np.repeat([size * (size - 1) // 2 for size in sizes], [len(own) for own, _ in pairs])
    for places in _groups(kind_of[first], kind_of[second], among):
        a, b = first[places], second[places]
        own, other = int(kind_of[a[0]]), int(kind_of[b[0]])
        in_a, in_b, labels = _common(members[own][0], members[other][0])
        sides = _Side(logs[own], row_of[a], in_a), _Side(logs[other], row_of[b], in_b)
        yield _Alike(places, *sides, labels, int(among[places[0]]))


def _of_all(sizes: Sequence[int], pairs: Sequence[Chosen]) -> Chosen:
    """The numbers of both series of every pair, where the series of all problems are counted through."""
    begins = np.cumsum([0, *sizes[:-1]]).tolist()
    nothing: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    first, second = (
        np.concatenate([nothing, *(own[side] + begin for own, begin in zip(pairs, begins, strict=False))])
        for side in (0, 1)
    )
    return first, second


def _groups(*keys: NDArray[np.int64]) -> Iterable[NDArray[np.int64]]:
    """The places at which all ``keys`` are alike, each group in ascending order."""
    order = np.lexsort(keys)
    if not order.size:
        return ()
    ordered = np.stack([key[order] for key in keys])
    changes = np.flatnonzero((ordered[:, 1:] != ordered[:, :-1]).any(axis=0)) + 1
    return np.split(order, changes)


def _common(a: Series, b: Series) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None, NDArray[np.int64]]:
    """Where their common rounds stand in each, and a number for each pair of processes that those are from.

    The rounds come in the order of their numbers, in which a series of a run mostly has them: then all of it is taken.
    """
    _, in_a, in_b = np.intersect1d(a.rounds, b.rounds, assume_unique=True, return_indices=True)
    labels = a.processes[in_a] * (1 + b.processes.max(initial=0)) + b.processes[in_b]
    sides = ((in_a, a.rounds.size), (in_b, b.rounds.size))
    first, second = (None if np.array_equal(own, np.arange(size)) else own for own, size in sides)
    return first, second, labels


@dataclass(frozen=True)
class _Shown:
    """What the rounds of pairs show by themselves, as columns of equal length."""

    rounds: NDArray[np.int64]
    starts: NDArray[np.int64]
    effect: NDArray[np.float64]
    between: NDArray[np.float64]
    within: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @classmethod
    def nothing_of(cls, count: int) -> _Shown:
        """As of pairs without a common round."""
        rounds, starts = np.zeros((2, count), dtype=np.int64)
        return cls(rounds, starts, np.ones(count), *np.full((3, count), math.nan))


@dataclass(frozen=True)
class _Interval:
    """Middle and ends of the pairs' log ratios, and whether there were rounds enough for a sign test."""

    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    sign_tested: NDArray[np.bool_]

    @classmethod
    def nothing_of(cls, count: int) -> _Interval:
        """As of pairs without a common round."""
        middle, low, high = np.zeros((3, count))
        return cls(middle, low, high, np.zeros(count, dtype=np.bool_))

    def put(self, part: _Part, shown: _Shown, usual: Disagreement) -> None:
        """Fill in what the ratios of ``part`` show."""
        if usual.judged_early:
            self._put_early(part, shown, usual)
        else:
            self._put_planned(part, shown, usual)

    def _put_early(self, part: _Part, shown: _Shown, usual: Disagreement) -> None:
        places, ratios = part.places, part.ratios
        own = Spread(shown.between[places], shown.within[places], shown.scatter[places])
        middle, alpha = ratios.medians, part.alpha(usual)
        sides = start_sides(ratios, alpha / 2)
        half = half_widths(ratios.labels.size, ratios.count, own, alpha if sides is None else alpha / 2, usual)
        low, high = middle - half, middle + half
        if sides is not None:
            low, high = np.maximum(low, np.minimum(sides[0], middle)), np.minimum(high, np.maximum(sides[1], middle))
        self.middle[places], self.low[places], self.high[places] = middle, low, high

    def _put_planned(self, part: _Part, shown: _Shown, usual: Disagreement) -> None:
        places, ratios, alpha = part.places, part.ratios, part.alpha(usual)
        self.middle[places], low, high = ratios.median_intervals(alpha, usual.effect, shown.effect[places])
        wider = usual.allowance(alpha, ratios.count)
        enough = interval_index(ratios.labels.size, alpha) is not None
        if not enough:  # the interval is the whole range, and still too narrow
            wider += usual.few_rounds(alpha)
        self.low[places], self.high[places], self.sign_tested[places] = low - wider, high + wider, enough


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
    names = [field.name for field in fields(_Shown)]
    return _usual(_Shown(*(np.concatenate([getattr(each, name) for each in pairs]) for name in names)), first_look)


def _usual(shown: _Shown, first_look: int) -> Disagreement:
    weight = np.maximum(shown.starts - 1, 0)
    return Disagreement(
        effect=max(1.0, float(np.average(shown.effect, weights=weight))) if weight.sum() else 1.0,
        start_sd=usual_start_sd(shown.between, shown.starts),
        round_sd=usual_round_sd(shown.within),
        typical_round_sd=typical_round_sd(shown.within),
        first_look=first_look,
    )
