"""Which pairs of a problem cannot be told apart yet: what a time budget is spent on once everything has its passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pointwise_bench.report.statistics.verdicts import MARGIN, Pairs, Series, pair_up, usual_disagreement
from pointwise_bench.suites.harness.record.pass_samples import PassSamples, deal, round_number

Legs = Mapping[str, Mapping[int, PassSamples]]  # by backend and pass


def undecided(legs: Legs, usual: float = 1.0) -> int:
    """How many pairs of backends are neither faster, slower nor the same, by the rule of the report.

    ``usual`` is how much the starts disagree over the whole run.
    """
    return sum(verdict == "undecided" for verdict in _pairs(legs, usual).verdict)


def usual(heats: Iterable[Legs]) -> float:
    """How much the starts of workers disagree, over all of ``heats``."""
    return usual_disagreement([_pairs(legs) for legs in heats])


def _pairs(legs: Legs, usual: float = 1.0) -> Pairs:
    return pair_up([_series(own) for _, own in sorted(legs.items())], MARGIN, usual)


def _series(legs: Mapping[int, PassSamples]) -> Series:
    dealt = deal(legs)
    return Series.of(
        seconds=[legs[number].samples_s[place] for number, place in dealt],
        rounds=[round_number(number, place) for number, place in dealt],
        processes=[legs[number].process for number, _ in dealt],
    )
