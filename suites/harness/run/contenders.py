"""Who can still be the fastest, by the rule of the report: where a run goes on measuring, and whom it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import numpy as np

from pointwise_bench.report.statistics.leaders import Leaders, leaders_of, named
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.verdicts import Pairs, Series, pair_up, usual_disagreement
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.pass_samples import PassSamples, order_rounds, round_number

__all__ = [
    "NOTHING_KNOWN",
    "Disagreement",
    "NamedLeaders",
    "Parts",
    "disagreement_of_starts",
    "leaders",
    "network_leaders",
    "undecided",
]

Parts = Mapping[str, Mapping[int, PassSamples]]  # by backend and pass
NamedLeaders = Leaders[str]

NOTHING_KNOWN = Disagreement()


def leaders(parts: Parts, disagreement: Disagreement = NOTHING_KNOWN) -> NamedLeaders:
    """Who leads on one problem, and who can still do so, by the names of backends.

    ``disagreement``: what is known over the whole run, see :func:`disagreement_of_starts`.
    """
    return named(leaders_of(len(parts), _pairs(parts, disagreement)), sorted(parts))


def network_leaders(trials: Sequence[tuple[Parts, int]], disagreement: Disagreement = NOTHING_KNOWN) -> NamedLeaders:
    """The same for the total over a network's layers, each with its number of occurrences.

    Only backends that were measured on all layers have a total. A round of it is the sum of their rounds of one name,
    as the report adds them up.
    """
    complete = sorted(set.intersection(*(set(parts) for parts, _ in trials))) if trials else []
    totals = [_total([(parts[name], count) for parts, count in trials]) for name in complete]
    return named(leaders_of(len(totals), pair_up(totals, POLICY.verdict.margin, disagreement.of_totals)), complete)


def undecided(parts: Parts, disagreement: Disagreement = NOTHING_KNOWN) -> int:
    """How many pairs of backends are neither faster, slower nor the same."""
    return int(np.count_nonzero(_pairs(parts, disagreement).verdict == "undecided"))


def disagreement_of_starts(trials: Iterable[Parts], first_look: int) -> Disagreement:
    """How much the starts of workers disagree, over all of ``trials``.

    ``first_look``: after how many starts of the run anybody may be left out for having lost, as its run.json says: each
    look from then on costs a part of the confidence. 1 with a screening, ``PLANNED_STARTS`` without.
    """
    known = Disagreement(first_look=first_look)
    return usual_disagreement([_pairs(parts, known) for parts in trials], first_look)


def _pairs(parts: Parts, disagreement: Disagreement) -> Pairs:
    return pair_up([_series(own) for _, own in sorted(parts.items())], POLICY.verdict.margin, disagreement)


def _series(parts: Mapping[int, PassSamples]) -> Series:
    ordered = order_rounds(parts)
    return Series.of(
        seconds=[parts[number].samples_s[place] for number, place in ordered],
        rounds=[round_number(number, place) for number, place in ordered],
        processes=[parts[number].process for number, _ in ordered],
    )


def _total(layers: Sequence[tuple[Mapping[int, PassSamples], int]]) -> Series:
    """Of one backend: the rounds that all its layers have, added up; the starts are those of the first layer."""
    each = [_series(parts) for parts, _ in layers]
    common = reduce(np.intersect1d, (one.rounds for one in each))
    places = [np.flatnonzero(np.isin(one.rounds, common)) for one in each]
    places = [own[np.argsort(one.rounds[own])] for one, own in zip(each, places, strict=True)]
    seconds = sum(
        (count * np.exp(one.log_seconds[own]) for one, own, (_, count) in zip(each, places, layers, strict=True)),
        start=np.zeros(common.size),
    )
    return Series.of(seconds, common, each[0].processes[places[0]])
