"""Intervals of a median: tabulated ranks, exact coverage, and starts of a worker that disagree."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pointwise_bench.common.verdict_rule import USUAL_COUNTS_AS
from pointwise_bench.report.statistics.order_statistics import (
    Clusters,
    design_effect,
    interval_index,
    moderated,
)
from pointwise_bench.suites.harness.design.policy import POLICY

STARTS, ROUNDS = 3, 40


# --- the interval -------------------------------------------------------------------------------------------------


# Conover, Practical Nonparametric Statistics, 3rd edition, and the table of the sign test: ranks from 1 are
# (1, 6), (2, 9), (6, 15), (10, 22) at 95 %.
@pytest.mark.parametrize(("count", "rank"), [(6, 1), (9, 2), (10, 2), (20, 6), (25, 8), (31, 10)])
def test_interval_takes_the_tabulated_ranks(count: int, rank: int) -> None:
    assert interval_index(count) == rank - 1


@pytest.mark.parametrize(("count", "alpha"), [(0, 0.05), (5, 0.05), (12, 0.05 / 190), (1, 0.5)])
def test_interval_does_not_exist_for_too_few_samples(count: int, alpha: float) -> None:
    assert interval_index(count, alpha) is None


@pytest.mark.parametrize(("count", "index"), [(0, None), (1, 0), (8, 3), (9, 4)])
def test_without_any_confidence_the_interval_is_the_middle(count: int, index: int | None) -> None:
    """Ranks from 0: of eight the fourth and the fifth, of nine the fifth alone."""
    assert interval_index(count, 1.0) == index


def test_short_series_gets_its_whole_range() -> None:
    assert Clusters.of(np.array([3.0, 1.0, 2.0]), np.zeros(3, np.int64)).median_interval() == (2.0, 1.0, 3.0)


@pytest.mark.parametrize("count", [6, 12, 40, 120])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_interval_covers_the_median_as_often_as_it_says(count: int, alpha: float) -> None:
    """Against the binomial distribution, which is exact: skewed and heavy-tailed samples make no difference."""
    index = interval_index(count, alpha)
    if index is None:
        assert 2 / 2**count > alpha
        return
    exact = 2 * sum(math.comb(count, below) for below in range(index + 1)) / 2**count
    assert exact <= alpha < exact + 2 * math.comb(count, index + 1) / 2**count  # and no narrower one would do
    trials = 20_000
    samples = np.sort(np.random.default_rng(count).standard_exponential((trials, count)), axis=1)
    median = math.log(2)
    missed = np.mean((samples[:, index] > median) | (samples[:, count - 1 - index] < median))
    assert abs(missed - exact) < 4 * math.sqrt(exact / trials)


def test_the_index_is_the_largest_whose_tail_is_small_enough() -> None:
    """Every count up to 80 and twelve confidences, against sums of whole numbers: no float is compared."""
    for count in range(81):
        for alpha in (
            Fraction(1, denominator) for denominator in (2, 3, 4, 5, 10, 20, 40, 100, 190, 500, 10**4, 10**6)
        ):
            fitting = [
                index
                for index in range((count + 1) // 2)
                if 2 * sum(math.comb(count, below) for below in range(index + 1)) * alpha.denominator
                <= alpha.numerator * 2**count
            ]
            # A float of the confidence is a little off the fraction; here no tail lies in between.
            assert interval_index(count, float(alpha)) == max(fitting, default=None), (count, alpha)


def test_the_ends_are_widened_by_the_root_of_the_disagreement() -> None:
    """Of 40 values 0 to 39 the first start has 12 above the median of all and 8 below, the second 8 and 12.

    Sums of signs are 4 and -4, so the design effect is 16 / 20 + 16 / 20 over one degree of freedom, 1.6. Drawn
    towards the run's: (4 * 1 + 1 * 1.6) / 5 = 1.12. The sign test's interval of 40 is from rank 14 to rank 27
    (from 0: 13 to 26), 6.5 ranks from the middle; 6.5 * sqrt(1.12) = 6.88 ends at 12.62, of which the floor is 12.
    """
    values = np.arange(40.0)
    labels = np.array([0] * 8 + [1] * 12 + [0] * 12 + [1] * 8)
    assert design_effect(Clusters.of(values, labels)) == pytest.approx(1.6)
    assert Clusters.of(values, labels).median_interval() == (19.5, 12.0, 27.0)
    assert Clusters.of(values, np.zeros(40, np.int64)).median_interval() == (19.5, 13.0, 26.0)
    # The run's disagreement of 4 alone, for one start: 6.5 * 2 = 13 ranks, from 6.5, of which the floor is 6.
    assert Clusters.of(values, np.zeros(40, np.int64)).median_interval(usual=4.0) == (19.5, 6.0, 33.0)


VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=40)


# 200 examples with up to 40 samples in up to 5 clusters: the interval consists of sorting, one index and its mirror,
# so that any slip shows in nearly every example.
@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(1, 5), st.randoms(use_true_random=False))
def test_an_interval_is_of_the_samples_whatever_their_order_and_mirrors_with_them(
    values: list[float], starts: int, draw: Random
) -> None:
    labels = [place % starts for place in range(len(values))]
    median, low, high = Clusters.of(np.array(values), np.array(labels)).median_interval()
    assert low in values
    assert high in values
    assert low <= median <= high
    shuffled = list(zip(values, labels, strict=True))
    draw.shuffle(shuffled)
    again = Clusters.of(np.array([one for one, _ in shuffled]), np.array([one for _, one in shuffled]))
    assert again.median_interval() == (median, low, high)
    mirrored = Clusters.of(-np.array(values), np.array(labels)).median_interval()
    assert mirrored == (-median, -high, -low)


# 100 examples: that a larger usual disagreement never narrows is a matter of one sign, which any of them shows.
@settings(max_examples=100, deadline=None)
@given(VALUES, st.floats(1, 20), st.floats(1, 20))
def test_more_disagreement_never_makes_an_interval_narrower(values: list[float], one: float, other: float) -> None:
    clusters = Clusters.of(np.array(values), np.arange(len(values)) % 3)
    _, low, high = clusters.median_interval(usual=min(one, other))
    _, wider_low, wider_high = clusters.median_interval(usual=max(one, other))
    assert wider_low <= low
    assert high <= wider_high


def test_the_interval_exists_for_as_many_rounds_as_a_run_can_have() -> None:
    """Powers of two beyond a thousand do not fit into a float."""
    most = POLICY.rounds.most_passes_in_budget * POLICY.rounds.most
    index = interval_index(most)
    assert index is not None
    assert index == pytest.approx(most / 2 - 1.96 * math.sqrt(most) / 2, abs=2)


def test_an_interval_over_alike_clusters_covers_the_median() -> None:
    generator, trials, missed = np.random.default_rng(1), 2000, 0
    labels = np.repeat(np.arange(STARTS), ROUNDS)
    for _ in range(trials):
        _, low, high = Clusters.of(generator.standard_t(3, labels.size), labels).median_interval()
        missed += not low <= 0 <= high
    assert missed / trials <= 0.05


def test_an_interval_over_shifted_clusters_misses_less_often_with_their_disagreement() -> None:
    generator, trials = np.random.default_rng(2), 1000
    labels = np.repeat(np.arange(STARTS), ROUNDS)
    missed = {"clusters": 0, "pooled": 0}
    for _ in range(trials):
        values = generator.normal(0.0, 1.0, labels.size) + generator.normal(0.0, 1.0, STARTS)[labels]
        usual = 20.0  # as over a run of such pairs
        for name, groups in (("clusters", labels), ("pooled", np.zeros_like(labels))):
            _, low, high = Clusters.of(values, groups).median_interval(usual=usual if name == "clusters" else 1.0)
            missed[name] += not low <= 0 <= high
    assert missed["clusters"] / trials <= 0.1
    assert missed["pooled"] / trials >= 0.5


# --- how much starts disagree -------------------------------------------------------------------------------------


@pytest.mark.parametrize("starts", [2, 3, 6])
def test_the_design_effect_is_one_on_the_average_for_clusters_that_are_alike(starts: int) -> None:
    generator = np.random.default_rng(starts)
    labels = np.repeat(np.arange(starts), ROUNDS)
    effects = [design_effect(Clusters.of(generator.standard_t(3, labels.size), labels)) for _ in range(2000)]
    assert np.mean(effects) == pytest.approx(1.0, abs=0.1)


def test_the_design_effect_is_large_for_clusters_that_are_shifted() -> None:
    generator = np.random.default_rng(1)
    labels = np.repeat(np.arange(STARTS), ROUNDS)
    apart = generator.normal(0.0, 1.0, labels.size) + 10.0 * labels
    # Counts above the median of all are 0, 20 and 40 of 40: squares of -40, 0 and 40 over 40, over 2 degrees.
    assert design_effect(Clusters.of(apart, labels)) == pytest.approx(40, abs=0.5)
    shifted = [
        design_effect(
            Clusters.of(generator.normal(0.0, 1.0, labels.size) + generator.normal(0, 1, STARTS)[labels], labels)
        )
        for _ in range(300)
    ]
    assert np.median(shifted) > 5


def test_the_design_effect_of_three_clusters_by_hand() -> None:
    """Of 0 to 29 the first ten are below the median, five of the next ten above it, all of the last: -10, 0 and 10.

    Squares over sizes are 10, 0 and 10; over two degrees of freedom, 10.
    """
    assert design_effect(Clusters.of(np.arange(30.0), np.repeat([0, 1, 2], 10))) == 10.0


def test_one_cluster_has_nothing_to_disagree_with() -> None:
    assert design_effect(Clusters.of(np.arange(9.0), np.zeros(9, np.int64))) == 1.0
    assert design_effect(Clusters.of(np.empty(0), np.empty(0, np.int64))) == 1.0


def test_ties_count_for_neither_side() -> None:
    assert design_effect(Clusters.of(np.ones(30), np.repeat(np.arange(3), 10))) == 0.0


def test_names_of_clusters_do_not_matter() -> None:
    values = np.random.default_rng(1).normal(size=30)
    labels = np.repeat([3, 1, 7], 10)
    named, numbered = Clusters.of(values, labels), Clusters.of(values, np.repeat([0, 1, 2], 10))
    assert named.count == 3
    assert design_effect(named) == design_effect(numbered)


def test_a_pairs_own_disagreement_is_drawn_towards_the_runs_and_never_narrows() -> None:
    assert moderated(own=9.0, freedom=2, usual=1.0) == pytest.approx((USUAL_COUNTS_AS + 2 * 9) / (USUAL_COUNTS_AS + 2))
    assert moderated(own=9.0, freedom=0, usual=3.0) == 3.0
    assert moderated(own=9.0, freedom=-1, usual=3.0) == 3.0
    assert moderated(own=0.0, freedom=50, usual=1.0) == 1.0
    assert moderated(own=9.0, freedom=1000, usual=1.0) == pytest.approx(9.0, rel=0.01)
