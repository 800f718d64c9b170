"""The numbers that the sentences of the pages state, each from the constant that the code goes by.

They are read when a page is written: a constant that changes takes its sentence with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from pointwise_bench.common import verdict_rule
from pointwise_bench.report.analysis.trust import health
from pointwise_bench.report.analysis.wording import duration, joined
from pointwise_bench.report.claims import gains, shortfall
from pointwise_bench.report.reading import run_format
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.reading.value_readers import Defect, duration as read_duration
from pointwise_bench.report.statistics.looks import PRICE_OF_ORDER, price_of_look
from pointwise_bench.report.statistics.order_statistics import interval_index


@dataclass(frozen=True)
class StatedRules:
    """Numbers as a sentence shows them; those that only a run knows are empty where it does not record them."""

    confidence: str
    margin: str
    fewest_rounds: int
    planned_starts: int
    usual_counts_as: int
    shares_of_looks: str
    share_of_later_looks: str
    share_of_order: str
    fewest_for_a_verdict: int
    round_sd: str
    round_sd_quantile: str
    start_sd: str
    start_sd_counts_as: int
    common_to_layers: str
    canary_limit: str
    largest_error_ratio: str
    widest_gain: str
    smallest_share: str
    turn: str
    exact_claims: str


def stated_rules(runs: Iterable[Run]) -> StatedRules:
    """For a page about ``runs``."""
    known = list(runs)
    return StatedRules(
        confidence=_percent(1 - verdict_rule.ALPHA),
        margin=_percent(verdict_rule.MARGIN),
        fewest_rounds=fewest_rounds(verdict_rule.ALPHA),
        planned_starts=verdict_rule.PLANNED_STARTS,
        usual_counts_as=verdict_rule.USUAL_COUNTS_AS,
        shares_of_looks=", ".join(f"1/{price_of_look(starts, first_look=1)}" for starts in (1, 2, 3)),
        share_of_later_looks=f"1/{price_of_look(4, first_look=1) // 2}",
        share_of_order=f"1/{PRICE_OF_ORDER}",
        fewest_for_a_verdict=verdict_rule.FEWEST_COMMON_ROUNDS,
        round_sd=_percent(verdict_rule.ROUND_SD),
        round_sd_quantile=_percent(verdict_rule.ROUND_SD_QUANTILE),
        start_sd=_percent(verdict_rule.START_SD),
        start_sd_counts_as=verdict_rule.START_SD_COUNTS_AS,
        common_to_layers=_percent(verdict_rule.COMMON_TO_LAYERS),
        canary_limit=f"{health.CANARY_LIMIT:g}",
        largest_error_ratio=f"{run_format.LARGEST_ERROR_RATIO:g}",
        widest_gain=_percent(gains.WIDEST - 1),
        smallest_share=_percent(shortfall.SMALLEST_SHARE),
        turn=_turn(known),
        exact_claims=_exact_claims(known),
    )


def fewest_rounds(alpha: float) -> int:
    """With fewer rounds no interval of the median has a confidence of ``1 - alpha``."""
    return next(rounds for rounds in count(1) if interval_index(rounds, alpha) is not None)


def _percent(share: float) -> str:
    # Nine digits: a sum of floats is not to show that it is one.
    return f"{100 * share:.9g} %"


def _turn(runs: Iterable[Run]) -> str:
    """How long a turn's timed calls are, by the policy of the runs; empty where one has none or they differ."""
    found = {"" if math.isnan(seconds) else duration(seconds) for seconds in map(_seconds_of_a_turn, runs)}
    return found.pop() if len(found) == 1 else ""


def _seconds_of_a_turn(run: Run) -> float:
    rounds = run.settings["policy"].get("rounds")
    try:
        return read_duration(rounds.get("turn_s") if isinstance(rounds, dict) else None)
    except Defect:
        return math.nan


def _exact_claims(runs: Iterable[Run]) -> str:
    """Numbers of the claims whose results had to be exact: they have no error to record."""
    numbers = {
        result.claim.number
        for run in runs
        for result in run.claims.results
        if result.timed and math.isnan(result.error_ratio)
    }
    return joined(map(str, sorted(numbers))) if numbers else ""
