"""Intervals of pairs that are judged early: their formula by hand, and how often they miss where the truth is known."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from pointwise_bench.common.verdict_rule import USUAL_COUNTS_AS
from pointwise_bench.report.statistics.early_intervals import half_widths, rounds_leave_open, student_quantile
from pointwise_bench.report.statistics.starts import Disagreement, Spread


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
