"""Intervals of pairs that are judged early: their formula by hand, and how often they miss where the truth is known."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import USUAL_COUNTS_AS
from pointwise_bench.report.statistics.early_intervals import (
    half_widths,
    rounds_leave_open,
    start_sides,
    student_quantile,
)
from pointwise_bench.report.statistics.order_statistics import ClusterRows
from pointwise_bench.report.statistics.starts import Disagreement, Spread
from pointwise_bench.report.statistics.verdicts import Pairs, Series, pair_up


@pytest.mark.parametrize(
    ("alpha", "freedom", "tabled"),
    # Two-sided points of Student's t as tables have them.
    [(0.05, 7, 2.365), (0.01, 7, 3.499), (0.001, 7, 5.408), (0.01, 15, 2.947), (0.001, 15, 4.073), (0.001, 60, 3.460)],
)
def test_the_quantile_is_that_of_tables(alpha: float, freedom: int, tabled: float) -> None:
    assert student_quantile(alpha, freedom) == pytest.approx(tabled, rel=2e-3)


@pytest.mark.parametrize(
    ("deviations", "terms"),
    # At whole numbers of standard deviations each term of the expansion is a fraction that can be worked out by hand.
    [
        (1, (1, 2 / 4, 24 / 96, 24 / 384, -528 / 92160)),
        (2, (2, 10 / 4, 294 / 96, 1098 / 384, 169950 / 92160)),
    ],
)
@pytest.mark.parametrize("freedom", [1, 2])
def test_every_term_of_the_quantile_is_as_printed(deviations: int, terms: tuple[float, ...], freedom: int) -> None:
    """Tables cannot show it: where they are met, the last terms change the third digit."""
    alpha = 2 * (1 - NormalDist().cdf(deviations))
    expected = math.fsum(term / freedom**power for power, term in enumerate(terms))
    assert student_quantile(alpha, freedom) == pytest.approx(expected, rel=1e-9)


def test_what_rounds_leave_open_by_hand() -> None:
    """12 rounds of one start, scatter 0.1, typical 0.05: own counts as 0.37 * 11, the run as 4; t of 15 degrees."""
    assert USUAL_COUNTS_AS == 4
    found = rounds_leave_open(12, 1, np.array([0.1]), 0.01, Disagreement(typical_round_sd=0.05))
    own = 0.37 * 11
    sd = math.sqrt((4 * 0.05**2 + own * 0.1**2) / (4 + own))
    assert found == pytest.approx([2.947 * sd * math.sqrt(math.pi / 2 / 12)], rel=1e-3)


def test_starts_and_rounds_are_joined_and_for_one_start_added_up() -> None:
    usual = Disagreement(start_sd=0.04, typical_round_sd=0.05, first_look=1)
    for starts in (1, 2, 3):
        own = Spread(np.full(1, math.nan), np.full(1, math.nan), np.array([0.05]))
        rounds = float(rounds_leave_open(12 * starts, starts, own.scatter, 0.01, usual)[0])
        shift = float(usual.shifts(0.01, starts, own.between)[0])
        expected = rounds + shift if starts == 1 else math.hypot(rounds, shift)
        assert half_widths(12 * starts, starts, own, 0.01, usual) == pytest.approx([expected])


@pytest.mark.parametrize("rounds", [4, 6, 12, 36])
@pytest.mark.parametrize("freedom", [3, 30])
def test_intervals_of_few_heavy_tailed_rounds_miss_no_more_often_than_they_may(rounds: int, freedom: int) -> None:
    """100,000 medians of Student's t, of three degrees of freedom or nearly normal, at a confidence of 99.5 %.

    So many tell 0.5 % from 0.57 % with three standard deviations. Of four rounds with tails of three degrees of freedom
    2 % more than allowed was seen in a hundred: the test asks for less than half as many again.
    """
    values = np.random.default_rng(rounds + freedom).standard_t(freedom, (100_000, rounds))
    middles = np.median(values, axis=1)
    deviations = 1.4826 * np.median(np.abs(values - middles[:, np.newaxis]), axis=1) * math.sqrt(rounds / (rounds - 1))
    usual = Disagreement(typical_round_sd=float(np.median(deviations)))
    missed = np.abs(middles) > rounds_leave_open(rounds, 1, deviations, 0.005, usual)
    assert missed.mean() < 0.0075
    # A normal quantile, and nothing learnt from other pairs, would miss far more often where rounds are few.
    alone = 2.807 * deviations * math.sqrt(math.pi / 2 / rounds)
    assert rounds > 6 or (np.abs(middles) > alone).mean() > 0.02


ROUNDS = 12  # of each start, below
EARLY = Disagreement(first_look=1)


def pair_of(shifts: NDArray[np.float64], seed: int = 1) -> Pairs:
    """Two backends whose starts differ by these log ratios, and whose rounds scatter by 1 %."""
    rng, count = np.random.default_rng(seed), len(shifts) * ROUNDS
    rounds, starts = np.arange(count), np.repeat(np.arange(len(shifts)), ROUNDS)
    one = Series.of(np.exp(rng.normal(0, 0.01, count)), rounds, starts)
    other = Series.of(np.exp(np.repeat(shifts, ROUNDS)), rounds, starts)
    return pair_up([one, other], usual=EARLY)


def test_a_start_counts_once_by_its_median_whatever_its_rounds() -> None:
    values = np.array([[1.0, 2.0, 9.0, -3.0, -1.0, 5.0, 5.0, 5.0, 5.0, 7.0]])
    ratios = ClusterRows.of(values, np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 3]))
    found = start_sides(ratios, 0.125)  # the whole range of four misses once in eight times
    assert found is not None
    low, high = found
    assert (low.tolist(), high.tolist()) == ([-2.0], [7.0])
    assert start_sides(ratios, 0.124) is None


def test_who_loses_in_every_start_is_slower_however_much_starts_differ() -> None:
    """One with a thread of its own had 4 % in fourteen starts and 60 % in six: by their variance nobody could tell."""
    shifts = np.log(np.where(np.arange(20) % 3, 1.04, 1.6))
    assert pair_of(shifts).verdict.tolist() == ["faster"]
    assert pair_of(-shifts).verdict.tolist() == ["slower"]
    assert pair_of(shifts[:12]).verdict.tolist() == ["undecided"]  # by twelve not even their order tells
    wins_twice = shifts.copy()
    wins_twice[[3, 7]] = -0.01  # of twenty the order still tells where one is lost
    assert pair_of(wins_twice).verdict.tolist() == ["undecided"]


def test_both_intervals_together_miss_no_more_often_than_one_may() -> None:
    """Twenty starts of backends that are alike: normal shifts, and such as come in two kinds."""
    rng, missed = np.random.default_rng(2), 0
    for number in range(2000):
        kinds = rng.choice([-0.3, 0.3], 20) if number % 2 else rng.normal(0, 0.1, 20)
        ratios = ClusterRows.of(np.repeat(kinds, 3)[np.newaxis], np.repeat(np.arange(20), 3))
        low, high = start_sides(ratios, 0.05 / 2) or (np.array([-1.0]), np.array([1.0]))
        missed += bool(low[0] > 0 or high[0] < 0)
    assert missed / 2000 < 0.05 / 2 + 3 * math.sqrt(0.025 / 2000)


def test_the_intervals_hold_their_middle() -> None:
    """Of starts with as many rounds each the middle of all rounds may lie beyond the middle starts."""
    found = pair_of(np.log(np.where(np.arange(30) < 29, 1.0, 3.0)))
    assert found.low[0] <= found.ratio[0] <= found.high[0]
