"""Which pairs of a problem cannot be told apart yet: what a time budget is spent on once everything has its passes."""

from __future__ import annotations

from collections.abc import Mapping

from report.verdicts import Series, pair_up
from suites.harness.legs import Leg, deal, round_number


def undecided(legs: Mapping[str, Mapping[int, Leg]]) -> int:
    """How many pairs of backends are neither faster, slower nor the same; ``legs`` by backend and pass."""
    series = [_series(own) for _, own in sorted(legs.items())]
    return sum(verdict == "undecided" for verdict in pair_up(series).verdict)


def _series(legs: Mapping[int, Leg]) -> Series:
    dealt = deal(legs)
    return Series.of(
        seconds=[legs[number].samples_s[place] for number, place in dealt],
        rounds=[round_number(number, place) for number, place in dealt],
        processes=[legs[number].process for number, _ in dealt],
    )
