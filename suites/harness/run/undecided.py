"""How many pairs of a problem's backends are undecided: where further passes go once every problem has its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pointwise_bench.report.statistics.verdicts import Pairs, Series, pair_up, usual_disagreement
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.pass_samples import PassSamples, order_rounds, round_number

Parts = Mapping[str, Mapping[int, PassSamples]]  # by backend and pass


def undecided(parts: Parts, disagreement: float = 1.0) -> int:
    """How many pairs of backends are neither faster, slower nor the same, by the rule of the report.

    ``disagreement``: how much the starts of workers disagree over the whole run, see :func:`disagreement_of_starts`.
    """
    return sum(verdict == "undecided" for verdict in _pairs(parts, disagreement).verdict)


def disagreement_of_starts(trials: Iterable[Parts]) -> float:
    """How much the starts of workers disagree, over all of ``trials``."""
    return usual_disagreement([_pairs(parts) for parts in trials])


def _pairs(parts: Parts, disagreement: float = 1.0) -> Pairs:
    return pair_up([_series(own) for _, own in sorted(parts.items())], POLICY.verdict.margin, disagreement)


def _series(parts: Mapping[int, PassSamples]) -> Series:
    ordered = order_rounds(parts)
    return Series.of(
        seconds=[parts[number].samples_s[place] for number, place in ordered],
        rounds=[round_number(number, place) for number, place in ordered],
        processes=[parts[number].process for number, _ in ordered],
    )
