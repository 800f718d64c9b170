"""Which pairs of a problem cannot be told apart yet: what a time budget is spent on once everything has its passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pointwise_bench.report.statistics.verdicts import MARGIN, Pairs, Series, pair_up, usual_disagreement
from pointwise_bench.suites.harness.record.pass_samples import PassSamples, order_rounds, round_number

Parts = Mapping[str, Mapping[int, PassSamples]]  # by backend and pass


def undecided(parts: Parts, usual: float = 1.0) -> int:
    """How many pairs of backends are neither faster, slower nor the same, by the rule of the report.

    ``usual`` is how much the starts disagree over the whole run.
    """
    return sum(verdict == "undecided" for verdict in _pairs(parts, usual).verdict)


def usual(trials: Iterable[Parts]) -> float:
    """How much the starts of workers disagree, over all of ``trials``."""
    return usual_disagreement([_pairs(parts) for parts in trials])


def _pairs(parts: Parts, usual: float = 1.0) -> Pairs:
    return pair_up([_series(own) for _, own in sorted(parts.items())], MARGIN, usual)


def _series(parts: Mapping[int, PassSamples]) -> Series:
    ordered = order_rounds(parts)
    return Series.of(
        seconds=[parts[number].samples_s[place] for number, place in ordered],
        rounds=[round_number(number, place) for number, place in ordered],
        processes=[parts[number].process for number, _ in ordered],
    )
