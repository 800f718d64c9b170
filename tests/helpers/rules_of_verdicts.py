"""What the pages say of times, pairs, verdicts, ranks and totals, each rule as a check on planted data."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from make_run import cell, run_of

from pointwise_bench.common import verdict_rule
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.early_intervals import rounds_leave_open
from pointwise_bench.report.statistics.order_statistics import Clusters, interval_index, moderated
from pointwise_bench.report.statistics.starts import Disagreement, usual_round_sd, usual_start_sd
from pointwise_bench.report.statistics.total_ratios import LayerRatios, compare_totals
from pointwise_bench.report.statistics.verdicts import Series, judge, pair_up

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def series(seconds: Any, starts: int = 1) -> Series:
    """Rounds in order, dealt evenly to ``starts`` starts."""
    values = np.asarray(seconds, dtype=np.float64)
    return Series.of(values, range(values.size), np.arange(values.size) * starts // values.size)


def decidable(backends: int, rounds: int, starts: int = 1, first_look: int = verdict_rule.PLANNED_STARTS) -> bool:
    """Whether the first pair among so many backends has an interval at its confidence."""
    made = [series(np.full(rounds, 1.0 + 0.1 * number), starts if number else 1) for number in range(backends)]
    return bool(pair_up(made, usual=Disagreement(first_look=first_look)).sign_tested[0])


def time_is_a_median_with_its_interval(folder: Path) -> None:
    nine = Clusters.of(np.arange(1.0, 10.0), np.zeros(9, dtype=np.int64))
    assert nine.median_interval() == (5, 2, 8)  # ranks 2 and 8 miss with 2 * (1 + 9) / 2**9 = 3.9 %
    apart = Clusters.of(np.arange(1.0, 10.0), np.repeat([0, 1, 2], 3))
    assert apart.median_interval()[1:] == (1, 9)
    five = Clusters.of(np.arange(1.0, 6.0), np.zeros(5, dtype=np.int64))
    assert five.median_interval() == (3, 1, 5)
    assert next(rounds for rounds in range(1, 9) if interval_index(rounds) is not None) == 6


def pairs_are_compared_round_by_round(folder: Path) -> None:
    machine = np.tile([1.0, 2.0, 5.0], 11)
    own = np.linspace(1.04, 1.08, 33)
    (pair,) = compare_run(run_of(folder, [cell("a", FIRST, machine), cell("b", FIRST, machine * own)])).to_dict(
        "records"
    )
    assert pair["ratio"] == pytest.approx(1.06)
    assert 1.04 <= pair["low"] <= 1.06 <= pair["high"] <= 1.08


def confidence_is_divided_among_pairs_and_looks(folder: Path) -> None:
    # 2 / 2**6 = 3.1 % and 2 / 2**7 = 1.6 %, of 5 %, 5 % / 3 pairs = 1.7 % and 5 % / 2 looks = 2.5 %.
    assert decidable(backends=2, rounds=6)
    assert not decidable(backends=3, rounds=6)
    assert decidable(backends=3, rounds=7)
    assert decidable(backends=2, rounds=6, starts=verdict_rule.PLANNED_STARTS)
    assert not decidable(backends=2, rounds=6, starts=verdict_rule.PLANNED_STARTS + 1)
    # Judged after every start: among three backends each has two rivals, and the looks have 1/12, 1/6 and 1/4.
    for starts, price in ((1, 12), (2, 6), (3, 4)):
        made = [series(np.full(12 * starts, factor), starts) for factor in (1.0, 1.5, 3.0)]
        known = Disagreement(first_look=1, start_sd=0.0)
        still = rounds_leave_open(12 * starts, starts, np.zeros(1), verdict_rule.ALPHA / 2 / price, known)
        assert np.log(pair_up(made, usual=known).high / pair_up(made, usual=known).ratio) == pytest.approx(
            np.repeat(still, 3)
        )


def verdicts_need_a_side_and_a_margin(folder: Path) -> None:
    cases = [  # middle, low, high, decidable: ratios
        (1.03, 1.005, 1.06, True, "faster"),  # the interval need not lie beyond the margin
        (1.015, 1.005, 1.03, True, "undecided"),
        (0.97, 0.95, 0.995, True, "slower"),
        (1.03, 0.99, 1.06, True, "undecided"),
        (1.0, 0.985, 1.019, True, "same"),
        (1.0, 0.985, 1.021, True, "undecided"),
        (9.0, 9.0, 9.0, False, "undecided"),
    ]
    middle, low, high = np.log([case[:3] for case in cases]).T
    found = judge(middle, low, high, np.array([case[3] for case in cases]), np.log1p(verdict_rule.MARGIN))
    assert found.tolist() == [case[4] for case in cases]
    level, few = series(np.ones(5), starts=3), series(2.0 * np.array([1.0, 1.1, 1.2, 1.3, 1.4]), starts=3)
    pair = pair_up([level, few], usual=Disagreement(round_sd=0.1))
    normal = NormalDist().inv_cdf(1 - verdict_rule.ALPHA / 2)
    assert np.log([pair.low[0], pair.high[0]]) == pytest.approx(
        [math.log(2.0) - 0.1 * normal, math.log(2.8) + 0.1 * normal]
    )
    assert pair.verdict[0] == "faster"
    assert usual_round_sd(np.linspace(0, 1, 11)) == pytest.approx(verdict_rule.ROUND_SD_QUANTILE)
    assert usual_round_sd([]) == Disagreement().round_sd == verdict_rule.ROUND_SD
    two = series([9.0, 9.0], starts=2)
    assert pair_up([level, two]).verdict[0] == "undecided"
    assert pair_up([level, series([9.0] * verdict_rule.FEWEST_COMMON_ROUNDS, starts=3)]).verdict[0] == "faster"


def table_of(run: Run) -> dict[str, dict[str, Any]]:
    """Rows of the tidy table by backend."""
    rows = tabulate(run, compare_run(run), Roofs.of(run.settings)).to_dict("records")
    return {str(row["backend"]): {str(key): value for key, value in row.items()} for row in rows}


def ranks_tie_and_want_of_evidence_does_not_lead(folder: Path) -> None:
    cells = [cell(name, FIRST, [seconds] * 31) for name, seconds in (("a", 1e-3), ("b", 1e-3), ("c", 2e-3))]
    rows = table_of(run_of(folder / "many", cells))
    assert {name: (row["rank"], row["leads"], row["sign"], row["wins"]) for name, row in rows.items()} == {
        "a": (1, True, "fastest", True),
        "b": (1, True, "same", True),
        "c": (3, False, "slower", False),
    }
    rows = table_of(run_of(folder / "few", [cell("a", FIRST, [1e-3] * 2), cell("b", FIRST, [2e-3] * 2)]))
    assert {name: (row["rank"], row["leads"], row["sign"], row["wins"]) for name, row in rows.items()} == {
        "a": (1, True, "fastest", False),
        "b": (1, False, "undecided", False),
    }


def totals_follow_from_the_layers_ratios_and_need_all_of_them(folder: Path) -> None:
    machine = np.tile([1.0, 2.0], 16)
    made = {"a": 1.0, "b": 1.05}
    cells = [
        *(cell(name, FIRST, 1e-3 * factor * machine, count=1) for name, factor in made.items()),
        *(cell(name, SECOND, 2e-3 * factor * machine, count=4) for name, factor in made.items()),
        cell("partial", FIRST, 1e-6 * machine, count=1),
    ]
    (group,) = analyse(run_of(folder, cells)).groups
    a, b, partial = group.standings
    assert (a.sign, b.sign, partial.total) == ("fastest", "slower", None)
    assert a.total is not None
    assert a.total.seconds == pytest.approx(1.5 * (1e-3 + 4 * 2e-3))
    # Round by round the machine's own wandering cancels.
    assert b.behind == pytest.approx((1.05, 1.05, 1.05))
    assert b.total is not None
    assert b.total.seconds == pytest.approx(1.05 * a.total.seconds)
    missed = {"group": "tinynet", "name": "third", "count": 1, "problem": "n1c8h4w4-o8", "threads": 1}
    (group,) = analyse(run_of(folder / "missed", cells, selection=[missed])).groups
    assert group.leaders == []
    assert not group.is_whole
    # Of one layer, the interval is that layer's; of two of like weight it is that of errors which are partly common.
    middle, low, high = (np.array([[end], [end]]) for end in (0.0, -0.1, 0.1))
    apart = LayerRatios(middle, low, high, np.array([[True], [True]]))
    common = verdict_rule.COMMON_TO_LAYERS
    found = compare_totals(np.ones((2, 2)), np.ones(2), apart)
    assert found.high[0] == pytest.approx(0.1 * (common + (1 - common) / 2) ** 0.5)


def a_run_that_judges_early_adds_what_starts_shift(folder: Path) -> None:
    """Three level starts at 1.9, 2 and 2.1: the middle one is the median, and no round scatters by itself."""
    level, other = (series(np.repeat(seconds, 9), 3) for seconds in ([1.0, 1.0, 1.0], [1.9, 2.0, 2.1]))
    known = Disagreement(effect=50.0, start_sd=0.05, first_look=1)
    pair = pair_up([level, other], usual=known)
    own = float(np.var(np.log([1.9, 2.0, 2.1]), ddof=1))
    alpha = verdict_rule.ALPHA / 4  # the third look
    shift = NormalDist().inv_cdf(1 - alpha / 2) * math.sqrt((4 * 0.05**2 + 2 * own) / 6 / 3)
    rounds = float(rounds_leave_open(27, 3, np.zeros(1), alpha, known)[0])
    assert math.log(pair.high[0] / 2) == pytest.approx(math.hypot(shift, rounds))
    assert math.log(2 / pair.low[0]) == pytest.approx(math.hypot(shift, rounds))
    level, other = (series(np.full(9, seconds)) for seconds in (1.0, 2.0))
    alone = pair_up([level, other], usual=known)
    alpha = verdict_rule.ALPHA / 12
    shift = NormalDist().inv_cdf(1 - alpha / 2) * 0.05
    assert math.log(alone.high[0] / 2) == pytest.approx(
        shift + float(rounds_leave_open(9, 1, np.zeros(1), alpha, known)[0])
    )


def starts_widen_an_interval_and_never_narrow_it(folder: Path) -> None:
    # Three starts: two beyond the first, beside four starts' worth of the run's own or, for a single time, of none.
    assert moderated(own=9.0, freedom=2, usual=3.0) == pytest.approx((4 * 3 + 2 * 9) / 6)
    assert moderated(own=0.0, freedom=2, usual=1.0) == 1.0
    values = np.arange(1.0, 32.0)
    pooled = Clusters.of(values, np.zeros(31, dtype=np.int64))
    alike = Clusters.of(values, np.arange(31) % 3)
    assert alike.median_interval() == pooled.median_interval()
    _, low, _ = pooled.median_interval()
    _, widened, _ = pooled.median_interval(usual=1.5**2 * 1.0)
    assert 16 - widened == pytest.approx(1.5 * (16 - low), abs=1)
    # Fewer starts than planned: by the normal distribution, and what the run has shown beside the prior.
    normal = NormalDist().inv_cdf(1 - verdict_rule.ALPHA / 2)
    for starts in (1, 2):
        level = [series(np.full(9, seconds), starts) for seconds in (1.0, 2.0)]
        pair = pair_up(level, usual=Disagreement(start_sd=0.05))
        missing = normal * 0.05 * (1 if starts == 1 else 0.5)
        assert np.log([pair.low[0], pair.high[0]]) == pytest.approx(np.log(2) + np.array([-missing, missing]))
    weight = verdict_rule.START_SD_COUNTS_AS
    known = (weight * verdict_rule.START_SD**2 + 10 * 0.01) / (weight + 10)
    assert usual_start_sd(np.array([0.01]), np.array([11])) == pytest.approx(np.sqrt(known))
