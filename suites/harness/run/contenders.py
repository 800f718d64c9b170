"""Who can still be the fastest, by the rule of the report: where a run goes on measuring, and whom it leaves out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import FEWEST_COMMON_ROUNDS
from pointwise_bench.report.statistics.leaders import Leaders, leaders_of, named
from pointwise_bench.report.statistics.outlook import Intervals, more_starts
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.total_ratios import LayerRatios, Numbers, compare_totals
from pointwise_bench.report.statistics.verdicts import Field, Pairs, Series, usual_disagreement
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.pass_samples import PassSamples, order_rounds, round_number

__all__ = [
    "NOTHING_KNOWN",
    "Disagreement",
    "NamedLeaders",
    "Outlook",
    "Parts",
    "disagreement_of_starts",
    "leaders",
    "network_outlook",
    "outlook",
    "outlooks",
    "undecided",
]

Parts = Mapping[str, Mapping[int, PassSamples]]  # by backend and pass
NamedLeaders = Leaders[str]
Flags = NDArray[np.bool_]

NOTHING_KNOWN = Disagreement()

_AT_ONCE: Final = 16  # problems whose samples are in memory together where a run looks at all that it has


@dataclass(frozen=True)
class Outlook:
    """Who leads, who can still do so, and how many more starts of those would tell (see :func:`more_starts`)."""

    leaders: NamedLeaders
    more_starts: int


def leaders(parts: Parts, disagreement: Disagreement = NOTHING_KNOWN) -> NamedLeaders:
    """Who leads on one problem, and who can still do so, by the names of backends.

    ``disagreement``: what is known over the whole run, see :func:`disagreement_of_starts`.
    """
    return outlook(parts, disagreement).leaders


def outlook(parts: Parts, disagreement: Disagreement = NOTHING_KNOWN) -> Outlook:
    """The same with what would settle it."""
    (found,) = outlooks([parts], disagreement)
    return found


def outlooks(trials: Sequence[Parts], disagreement: Disagreement = NOTHING_KNOWN) -> list[Outlook]:
    """The same of many problems, in a fraction of the time that they take one by one."""
    judged = _field(trials).judged(POLICY.verdict.margin, disagreement)
    return [_outlook(parts, pairs) for parts, pairs in zip(trials, judged, strict=True)]


def _outlook(parts: Parts, pairs: Pairs) -> Outlook:
    found = leaders_of(len(parts), pairs)
    middle, low, high = (np.log(column) for column in (pairs.ratio, pairs.low, pairs.high))
    columns = Intervals(pairs.first, pairs.second, middle, low, high, pairs.starts, pairs.by_order)
    return Outlook(named(found, sorted(parts)), more_starts(found, columns, POLICY.verdict.margin))


def network_outlook(trials: Sequence[tuple[Parts, int]], disagreement: Disagreement = NOTHING_KNOWN) -> Outlook:
    """The same for the total over a network's layers, each with its number of occurrences.

    Only backends that were measured on all layers have a total. As in the report, the ratio of two totals is made of
    the layers' own: passes go to the layers that need them, and few rounds are common to all layers.
    """
    complete = sorted(set.intersection(*(set(parts) for parts, _ in trials))) if trials else []
    if not complete:
        return Outlook(Leaders(frozenset(), frozenset()), 0)
    counts = np.array([count for _, count in trials], dtype=np.float64)
    seconds = np.array([[_median_s(parts[name]) for name in complete] for parts, _ in trials])
    judged = _field([parts for parts, _ in trials]).judged(POLICY.verdict.margin, disagreement)
    layers = [_ratios(parts, complete, pairs) for (parts, _), pairs in zip(trials, judged, strict=True)]
    ratios = LayerRatios(*(np.stack(column) for column in zip(*layers, strict=True)))
    totals = compare_totals(seconds, counts, ratios, POLICY.verdict.margin)
    found = leaders_of(len(complete), totals)
    starts = np.full(totals.first.shape, min(len(parts[name]) for parts, _ in trials for name in complete))
    nowhere = np.full(starts.shape, np.inf)
    columns = Intervals(totals.first, totals.second, totals.middle, totals.low, totals.high, starts, nowhere)
    return Outlook(named(found, complete), more_starts(found, columns, POLICY.verdict.margin))


def undecided(parts: Parts, disagreement: Disagreement = NOTHING_KNOWN) -> int:
    """How many pairs of backends are neither faster, slower nor the same."""
    (pairs,) = _field([parts]).judged(POLICY.verdict.margin, disagreement)
    return int(np.count_nonzero(pairs.verdict == "undecided"))


def disagreement_of_starts(trials: Iterable[Parts], first_look: int) -> Disagreement:
    """How much the starts of workers disagree, over all of ``trials``.

    ``first_look``: after how many starts of the run anybody may be left out for having lost, as its run.json says: each
    look from then on costs a part of the confidence. 1 with a screening, ``PLANNED_STARTS`` without.
    """
    known, left, judged = Disagreement(first_look=first_look), iter(trials), []
    while some := list(islice(left, _AT_ONCE)):
        judged += _field(some).judged(POLICY.verdict.margin, known)
    return usual_disagreement(judged, first_look)


def _field(trials: Iterable[Parts]) -> Field:
    """All of them at once: one by one they took most of the time between two passes."""
    return Field([[_series(own) for _, own in sorted(parts.items())] for parts in trials])


def _series(parts: Mapping[int, PassSamples]) -> Series:
    ordered = order_rounds(parts)
    return Series.of(
        seconds=[parts[number].samples_s[place] for number, place in ordered],
        rounds=[round_number(number, place) for number, place in ordered],
        processes=[parts[number].process for number, _ in ordered],
    )


def _median_s(parts: Mapping[int, PassSamples]) -> float:
    return statistics.median(seconds for part in parts.values() for seconds in part.samples_s)


def _ratios(parts: Parts, names: Sequence[str], pairs: Pairs) -> tuple[Numbers, Numbers, Numbers, Flags]:
    """What one layer shows of every two of ``names``, in their order: the columns of :class:`LayerRatios`."""
    wanted = np.isin(sorted(parts), names)
    of_them = wanted[pairs.first] & wanted[pairs.second]
    met = pairs.rounds[of_them] > 0
    columns = ((pairs.ratio, np.nan), (pairs.low_of_all, -np.inf), (pairs.high_of_all, np.inf))
    middle, low, high = (np.where(met, np.log(column[of_them]), nothing) for column, nothing in columns)
    return middle, low, high, pairs.rounds[of_them] >= FEWEST_COMMON_ROUNDS
