"""Which of two backends is faster on one problem, from rounds in which both ran and several starts of both.

Rounds are paired, so what slows the whole machine cancels. The process is a random factor: what a worker keeps from
its start to its end (where its memory lies, above all) shifts all of its rounds alike, and a few starts are all the
evidence there is about it, however many rounds they hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import ALPHA, FEWEST_COMMON_ROUNDS, MARGIN, PLANNED_STARTS
from pointwise_bench.report.statistics.chosen_pairs import every_two
from pointwise_bench.report.statistics.early_intervals import Evidence
from pointwise_bench.report.statistics.looks import price_of_look
from pointwise_bench.report.statistics.order_statistics import interval_index
from pointwise_bench.report.statistics.pairing import Chosen, Part, Series, alike
from pointwise_bench.report.statistics.starts import (
    Disagreement,
    Spread,
    spread,
    typical_round_sd,
    usual_round_sd,
    usual_start_sd,
)
from pointwise_bench.report.statistics.step_down import rivals_left

__all__ = ["Chosen", "Field", "Pairs", "Series", "judge", "pair_up", "usual_disagreement"]

_NOTHING_KNOWN: Final = Disagreement()


@dataclass(frozen=True)
class Pairs:
    """All pairs ``a < b`` of a list of series, or those chosen of them, as columns of equal length.

    ``ratio``, ``low`` and ``high`` are time of b over time of a; ``verdict`` is said of a against b. ``sign_tested`` is
    false where the interval is not the sign test's: in runs that judge early, and where the common ``rounds`` are too
    few for one, so that the verdict leans on how much other pairs scatter. ``starts`` counts the pairs of processes.
    ``effect`` is each pair's own design effect, ``between``, ``within`` and ``scatter`` are its :class:`starts.Spread`.

    ``low_of_all`` and ``high_of_all`` are the interval as it is before anything is told apart, with the confidence
    divided among all: what is made of several pairs, such as a ratio of totals, goes by it. ``by_order`` is after how
    many more starts their order may tell (:meth:`early_intervals.Evidence.starts_to_order`); infinite where everybody
    has the planned starts first.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    low_of_all: NDArray[np.float64]
    high_of_all: NDArray[np.float64]
    rounds: NDArray[np.int64]
    starts: NDArray[np.int64]
    effect: NDArray[np.float64]
    between: NDArray[np.float64]
    within: NDArray[np.float64]
    scatter: NDArray[np.float64]
    by_order: NDArray[np.float64]
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
    :mod:`early_intervals`, and the confidence is divided among the rivals of a backend that are left
    (:mod:`step_down`): what is said of any one of them, of the fastest above all, holds jointly (as in comparisons with
    the best: Hsu, Annals of Statistics 12, 1984).
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
        self._alike = list(alike(problems, self._pairs))

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

    def _parts(self) -> Iterable[Part]:
        return (part for of_one_kind in self._alike for part in of_one_kind.parts())

    def usual(self, first_look: int = PLANNED_STARTS) -> Disagreement:
        """What is known over all pairs; the design effects count by the starts that each pair had beyond one."""
        return _usual(self._shown, first_look) if self._pairs else Disagreement(first_look=first_look)

    def judged(self, margin: float = MARGIN, usual: Disagreement = _NOTHING_KNOWN) -> list[Pairs]:
        """Every two of each problem's series, as :func:`pair_up` compares them."""
        shown, limit = self._shown, math.log1p(margin)
        found = self._stepped_down(usual, limit) if usual.judged_early else self._planned(usual, limit)
        columns = found.columns() | {field.name: getattr(shown, field.name) for field in fields(_Shown)}
        return [
            Pairs(*pairs, **{name: column[start:end] for name, column in columns.items()})
            for pairs, start, end in zip(self._pairs, self._ends[:-1], self._ends[1:], strict=True)
        ]

    def _planned(self, usual: Disagreement, margin: float) -> _Judged:
        """Where everybody has the planned starts before anything is judged."""
        shown, found = self._shown, _Judged.nothing_of(self._ends[-1])
        for part in self._parts():
            alpha = ALPHA / part.among / price_of_look(part.ratios.count, usual.first_look)
            found.put_planned(part, alpha, shown.effect[part.places], usual)
        return found.before_stepping_down().judged(shown, margin)

    def _stepped_down(self, usual: Disagreement, margin: float) -> _Judged:
        """Where pairs are judged earlier: again and again, as long as those told apart leave more to the others."""
        shown, found = self._shown, _Judged.nothing_of(self._ends[-1])
        of_all = np.ones(self._ends[-1], dtype=np.int64)
        shows: list[tuple[NDArray[np.int64], Evidence]] = []
        for part in self._parts():
            shows.append((part.places, Evidence.of(part.ratios, shown.of(part.places), usual)))
            of_all[part.places] = part.rivals
        found.put_early(shows, of_all)
        found, rivals = found.before_stepping_down().judged(shown, margin), of_all
        while np.any((left := rivals_left(self._pairs, found.verdict != "undecided", rivals, of_all)) != rivals):
            found.put_early(shows, left)
            found, rivals = found.judged(shown, margin), left
        for places, evidence in shows:
            found.by_order[places] = evidence.starts_to_order(rivals[places])
        return found


@dataclass(frozen=True)
class _Shown:
    """What the rounds of pairs show by themselves, as columns of equal length."""

    rounds: NDArray[np.int64]
    starts: NDArray[np.int64]
    effect: NDArray[np.float64]
    between: NDArray[np.float64]
    within: NDArray[np.float64]
    scatter: NDArray[np.float64]

    def of(self, places: NDArray[np.int64]) -> Spread:
        """Of some of the pairs."""
        return Spread(self.between[places], self.within[places], self.scatter[places])

    @classmethod
    def nothing_of(cls, count: int) -> _Shown:
        """As of pairs without a common round."""
        rounds, starts = np.zeros((2, count), dtype=np.int64)
        return cls(rounds, starts, np.ones(count), *np.full((3, count), math.nan))


@dataclass(frozen=True)
class _Judged:
    """The pairs' log ratios with their intervals, and what follows from them: see :class:`Pairs`."""

    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    low_of_all: NDArray[np.float64]
    high_of_all: NDArray[np.float64]
    by_order: NDArray[np.float64]
    sign_tested: NDArray[np.bool_]
    verdict: NDArray[np.str_]

    @classmethod
    def nothing_of(cls, count: int) -> _Judged:
        """As of pairs without a common round."""
        middle, low, high, low_of_all, high_of_all = np.zeros((5, count))
        sign_tested, verdict = np.zeros(count, dtype=np.bool_), np.full(count, "undecided")
        by_order = np.full(count, math.inf)
        return cls(middle, low, high, low_of_all, high_of_all, by_order, sign_tested, verdict)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Ratios and their intervals, no longer logarithms, and the rest."""
        ratios = {name: np.exp(getattr(self, name)) for name in ("low", "high", "low_of_all", "high_of_all")}
        others = {name: getattr(self, name) for name in ("by_order", "sign_tested", "verdict")}
        return {"ratio": np.exp(self.middle)} | ratios | others

    def put_early(self, shows: Sequence[tuple[NDArray[np.int64], Evidence]], rivals: NDArray[np.int64]) -> None:
        """Fill in what pairs show, at their places, where the confidence is divided among so many rivals."""
        for places, evidence in shows:
            self.middle[places] = evidence.middle
            self.low[places], self.high[places] = evidence.interval(rivals[places])

    def put_planned(self, part: Part, alpha: float, effects: NDArray[np.float64], usual: Disagreement) -> None:
        """Fill in what the ratios of ``part`` show."""
        places, ratios = part.places, part.ratios
        self.middle[places], low, high = ratios.median_intervals(alpha, usual.effect, effects)
        wider = usual.allowance(alpha, ratios.count)
        enough = interval_index(ratios.labels.size, alpha) is not None
        if not enough:  # the interval is the whole range, and still too narrow
            wider += usual.few_rounds(alpha)
        self.low[places], self.high[places], self.sign_tested[places] = low - wider, high + wider, enough

    def before_stepping_down(self) -> _Judged:
        """With the intervals of now for those of all."""
        return replace(self, low_of_all=self.low.copy(), high_of_all=self.high.copy())

    def judged(self, shown: _Shown, margin: float) -> _Judged:
        """With the verdicts that follow."""
        possible = shown.rounds >= FEWEST_COMMON_ROUNDS
        return replace(self, verdict=judge(self.middle, self.low, self.high, possible, margin))


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
