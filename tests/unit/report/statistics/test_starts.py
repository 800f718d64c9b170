"""What starts of workers disagree by: learnt from pairs with several, and allowed for where a pair has few."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pointwise_bench.common.verdict_rule import (
    ALPHA,
    PLANNED_STARTS,
    ROUND_SD,
    ROUND_SD_QUANTILE,
    START_SD,
    START_SD_COUNTS_AS,
    TYPICAL_QUANTILE,
    TYPICAL_ROUND_SD,
    USUAL_COUNTS_AS,
)
from pointwise_bench.report.statistics.order_statistics import ClusterRows
from pointwise_bench.report.statistics.starts import (
    Disagreement,
    spread,
    typical_round_sd,
    usual_round_sd,
    usual_start_sd,
)
from pointwise_bench.report.statistics.verdicts import Field, Pairs, Series, pair_up, usual_disagreement

COUNT = 18  # backends


# --- the allowance ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "alpha", "allowed"),
    [
        # By hand: 1.959964 and 3.290527 standard deviations, of 0.1; of two starts the root of 1/2 * 1/2.
        (1, 0.05, 0.1959964),
        (1, 0.001, 0.3290527),
        (2, 0.05, 0.0979982),
        (3, 0.05, 0.0),
        (4, 0.05, 0.0),
        (0, 0.05, 0.0),
    ],
)
def test_the_allowance_is_for_the_starts_that_are_missing(starts: int, alpha: float, allowed: float) -> None:
    assert Disagreement(start_sd=0.1).allowance(alpha, starts) == pytest.approx(allowed, abs=1e-6)


@pytest.mark.parametrize(
    ("starts", "between", "allowed"),
    [
        # By hand: 1.959964 standard deviations of a mean; of two starts the variance is (4 * 0.01 + own) / 5.
        (1, math.nan, 0.1959964),
        (2, math.nan, 0.1959964 * math.sqrt(4 / 5 / 2)),
        (2, 0.04, 0.1959964 * math.sqrt(8 / 5 / 2)),
        (3, 0.0, 0.1959964 * math.sqrt(4 / 6 / 3)),
        (3, -0.01, 0.1959964 * math.sqrt(4 / 6 / 3)),  # less than the rounds explain: no disagreement
        (5, 0.01, 0.1959964 / math.sqrt(5)),
    ],
)
def test_what_starts_may_have_shifted_falls_with_their_number_and_grows_with_their_disagreement(
    starts: int, between: float, allowed: float
) -> None:
    assert USUAL_COUNTS_AS == 4
    found = Disagreement(start_sd=0.1, first_look=1).shifts(0.05, starts, np.array([between]))
    assert found == pytest.approx([allowed], abs=1e-6)


def test_only_a_run_that_judges_pairs_early_leaves_ranks_as_they_are() -> None:
    """Three starts that plainly disagree, of 20 rounds each, against a steady backend: by ranks nothing is decided."""
    assert [Disagreement(first_look=look).judged_early for look in (1, 2, PLANNED_STARTS)] == [True, True, False]
    process = np.repeat(np.arange(3), 20)
    noise = np.random.default_rng(3).normal(0, 0.001, process.size)
    noise[::20] = 1.0  # a disturbed round in each start
    rounds = np.arange(process.size)
    steady = Series(np.zeros(process.size), rounds, process)
    slower = Series(0.2 + np.array([0.0, 0.01, 0.02])[process] + noise, rounds, process)
    planned = pair_up([steady, slower], usual=Disagreement(effect=9.0, start_sd=0.01))
    early = pair_up([steady, slower], usual=Disagreement(effect=9.0, start_sd=0.01, first_look=1))
    assert planned.high[0] > 2
    assert early.high[0] < 1.3
    assert early.verdict[0] == "faster"


def test_few_rounds_are_widened_by_what_a_single_one_can_be_off() -> None:
    assert Disagreement(round_sd=0.1).few_rounds(0.05) == pytest.approx(0.1959964, abs=1e-6)
    assert Disagreement(round_sd=0.1).few_rounds(0.001) == pytest.approx(0.3290527, abs=1e-6)


# --- what a run has shown -----------------------------------------------------------------------------------------


def test_spread_by_hand() -> None:
    """Two starts of five rounds, medians 2 and 5 (variance 4.5), median deviations 1 and 1 in the first row.

    A median of five such rounds scatters by pi / 2 * 1.4826**2 / 5 = 0.6906 of itself.
    """
    rows = ClusterRows.of(
        np.array([[0.0, 1.0, 2.0, 3.0, 99.0, 3.0, 4.0, 5.0, 6.0, 99.0], [7.0] * 10]), np.repeat([0, 1], 5)
    )
    found = spread(rows)
    assert found.within == pytest.approx([1.4826, 0.0])
    assert found.scatter == pytest.approx([1.4826 * math.sqrt(10 / 8), 0.0])
    assert found.between == pytest.approx([4.5 - math.pi / 2 * 1.4826**2 / 5, 0.0])


def test_one_start_shows_its_rounds_only_and_too_few_rounds_show_nothing() -> None:
    one = spread(ClusterRows.of(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), np.zeros(5, dtype=np.int64)))
    assert (bool(np.isnan(one.between[0])), one.within[0]) == (True, pytest.approx(1.4826))
    uneven = spread(ClusterRows.of(np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 9.0]]), np.array([0, 0, 0, 0, 0, 1])))
    assert (bool(np.isnan(uneven.between[0])), uneven.within[0]) == (True, pytest.approx(1.4826))
    few = spread(ClusterRows.of(np.array([[1.0, 2.0, 3.0, 4.0]]), np.zeros(4, dtype=np.int64)))
    assert np.isnan([few.between[0], few.within[0]]).all()
    assert few.scatter[0] == pytest.approx(1.4826 * math.sqrt(4 / 3))
    single = spread(ClusterRows.of(np.array([[3.0]]), np.zeros(1, dtype=np.int64)))
    assert single.scatter[0] == 0.0


def test_what_starts_shift_is_drawn_towards_the_prior() -> None:
    """Two pairs of variances 0.01 and 0.04 with two and four starts, one without: (30 p + 0.01 + 3 * 0.04) / 34."""
    found = usual_start_sd(np.array([0.01, 0.04, math.nan]), np.array([2, 4, 1]))
    prior = START_SD_COUNTS_AS * START_SD**2
    assert found == pytest.approx(math.sqrt((prior + 0.01 + 3 * 0.04) / (START_SD_COUNTS_AS + 4)))
    assert usual_start_sd(np.array([]), np.array([])) == pytest.approx(START_SD)
    assert usual_start_sd(np.array([-1.0]), np.array([3])) == 0.0


def test_the_scatter_of_rounds_is_that_of_a_pair_that_scatters_much() -> None:
    many = np.linspace(0.0, 1.0, 101)
    assert usual_round_sd([*many.tolist(), math.nan]) == pytest.approx(ROUND_SD_QUANTILE)
    assert usual_round_sd([]) == usual_round_sd([math.nan]) == ROUND_SD


def test_what_is_typical_is_that_of_a_pair_as_most_are() -> None:
    many = np.linspace(0.0, 1.0, 101)
    assert typical_round_sd(np.append(many, math.nan)) == pytest.approx(TYPICAL_QUANTILE)
    assert typical_round_sd(np.array([math.nan])) == typical_round_sd(np.array([])) == TYPICAL_ROUND_SD


@pytest.mark.parametrize("start_sd", [0.0, 0.01, 0.05])
def test_a_run_learns_what_its_starts_shift(start_sd: float) -> None:
    generator = np.random.default_rng(1)
    found = usual_disagreement([pair_up(problem(generator, PLANNED_STARTS, start_sd)) for _ in range(20)])
    assert found.start_sd == pytest.approx(start_sd, abs=0.004)


# --- false verdicts -----------------------------------------------------------------------------------------------


def problem(
    generator: np.random.Generator,
    starts: int,
    start_sd: float,
    rounds: int = 14,
    tails: bool = False,
    count: int = COUNT,
) -> list[Series]:
    """Identical backends; ``start_sd`` is of a pair, of whose rounds the standard deviation is 0.03."""
    process = np.repeat(np.arange(starts), rounds)
    shifts = (
        generator.standard_t(3, (count, starts)) / math.sqrt(3) if tails else generator.normal(size=(count, starts))
    )
    noise = generator.standard_t(3, (count, process.size)) * 0.03 / math.sqrt(6)
    logs = shifts[:, process] * start_sd / math.sqrt(2) + noise
    return [Series(each, np.arange(process.size), process) for each in logs]


def different(pairs: list[Pairs]) -> float:
    return 100 * float(np.mean([np.isin(each.verdict, ("faster", "slower")).mean() for each in pairs]))


@pytest.mark.parametrize("tails", [False, True])
def test_one_start_gives_no_more_false_verdicts_than_three(tails: bool) -> None:
    """18 identical backends, in 200 problems."""
    generator = np.random.default_rng(7)
    three = [problem(generator, PLANNED_STARTS, 0.03, rounds=8, tails=tails) for _ in range(200)]
    planned = Field(three)  # as the report judges: all at once, each as by itself
    known = planned.usual()
    today = different(planned.judged(usual=known))
    once = replace(known, first_look=1)
    screened = Field([problem(generator, 1, 0.03, tails=tails) for _ in range(200)])
    found = different(screened.judged(usual=once))
    unaware = different(screened.judged(usual=replace(once, start_sd=0.0)))
    assert unaware > 10
    # One start that is far off is in 17 pairs: of heavy tails 200 problems do not tell the rates of both apart.
    assert found <= (0.5 if tails else today)


def test_three_rounds_decide_nothing_among_equals_and_much_where_backends_are_far_apart() -> None:
    generator = np.random.default_rng(8)
    known = Disagreement(typical_round_sd=0.05, first_look=1)
    equal = [problem(generator, 1, 0.03, rounds=3) for _ in range(200)]
    assert different(Field(equal).judged(usual=known)) <= 0.01
    # From three rounds alone, without what the others scatter, much would be decided.
    unaware = replace(known, typical_round_sd=0.0, start_sd=0.0)
    assert different(Field(equal).judged(usual=unaware)) > 5
    far = [
        Series(each.log_seconds + math.log(1.6) * number, each.rounds, each.processes)
        for number, each in enumerate(equal[0][:2])
    ]
    assert pair_up(far, usual=known).verdict[0] == "faster"


def test_looking_after_every_start_errs_no_more_often_than_it_may() -> None:
    """Pairs are looked at until they are called different, six times at most: the family of looks keeps to 5 %.

    Equal shares of the confidence for every look would not: with 1 / k it is the sum of 1 / k.
    """
    generator = np.random.default_rng(9)
    known = Disagreement(start_sd=0.0, first_look=1)
    noise = generator.normal(0, 1, (2000, 6, 30))
    stopped = np.zeros(2000, dtype=bool)
    for starts in range(1, 7):
        process = np.repeat(np.arange(starts), 30)
        rounds = np.arange(process.size)
        level = Series(np.zeros(process.size), rounds, process)
        others = [Series(each[:starts].ravel(), rounds, process) for each in noise]
        judged = Field([[level, other] for other in others]).judged(usual=known)
        stopped |= np.array([str(pairs.verdict[0]) in ("faster", "slower") for pairs in judged])
    assert stopped.mean() <= ALPHA
