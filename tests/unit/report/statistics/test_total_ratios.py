"""Ratios of totals, against sums worked out by hand and against truth that is drawn at random."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from pointwise_bench.common.verdict_rule import COMMON_TO_LAYERS
from pointwise_bench.report.statistics.total_ratios import LayerRatios, TotalRatios, compare_totals

Numbers = NDArray[np.float64]
ONCE: Final = np.ones(2)


def known(seconds: Numbers, narrow: float = 0.0, wide: float = 0.0) -> LayerRatios:
    """What rounds without any disturbance would show; the intervals reach so far down and up, as logarithms."""
    first, second = np.triu_indices(seconds.shape[1], k=1)
    middle = np.log(seconds[:, second] / seconds[:, first])
    return LayerRatios(middle, middle - narrow, middle + wide, np.ones(middle.shape, dtype=np.bool_))


def compared(seconds: list[list[float]], counts: Numbers = ONCE) -> TotalRatios:
    made = np.array(seconds)
    return compare_totals(made, counts, known(made))


# --- the ratio ----------------------------------------------------------------------------------------------------


def test_it_is_that_of_the_sums_each_layer_as_often_as_it_occurs() -> None:
    assert compared([[1.0, 3.0], [2.0, 1.0]]).ratio == pytest.approx([4 / 3])
    assert compared([[1.0, 3.0], [2.0, 1.0]], np.array([1.0, 5.0])).ratio == pytest.approx([8 / 11])


def test_every_pair_has_its_own() -> None:
    found = compared([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert found.ratio == pytest.approx([2.0, 4.0, 2.0])
    assert found.over(1, 3).tolist() == [pytest.approx([ratio] * 3) for ratio in (0.5, 1.0, 2.0)]


def test_what_only_one_of_two_has_seen_does_not_shift_them() -> None:
    """B met the machine at half of its speed in rounds that a took no part in; in common rounds they are alike."""
    seconds = np.array([[1.0, 2.0], [1.0, 1.0]])
    layers = known(np.array([[1.0, 1.0], [1.0, 1.0]]))
    found = compare_totals(seconds, ONCE, layers)
    assert found.ratio == pytest.approx([1.0])
    assert found.verdict.tolist() == ["same"]


def test_of_whom_no_round_is_common_the_times_are_all_there_is_and_no_verdict_is_given() -> None:
    layers = LayerRatios(
        middle=np.array([[math.nan], [math.log(2.0)]]),
        low=np.array([[-math.inf], [math.log(2.0)]]),
        high=np.array([[math.inf], [math.log(2.0)]]),
        decidable=np.array([[False], [True]]),
    )
    found = compare_totals(np.array([[1.0, 3.0], [1.0, 2.0]]), ONCE, layers)
    assert found.ratio == pytest.approx([2.5])
    assert (found.low[0], found.high[0], found.verdict[0]) == (-math.inf, math.inf, "undecided")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1e-6, 1e-2), st.floats(0.2, 5.0)), min_size=1, max_size=6),
    st.floats(0.0, 0.3),
    st.floats(0.0, 0.3),
)
def test_turned_over_it_is_the_inverse(layers: list[tuple[float, float]], down: float, up: float) -> None:
    one = np.array([[seconds, seconds * ratio] for seconds, ratio in layers])
    counts = np.arange(1.0, len(layers) + 1)
    forth = compare_totals(one, counts, known(one, down, up))
    back = compare_totals(one[:, ::-1], counts, known(one[:, ::-1], up, down))
    assert forth.over(0, 2)[1] == pytest.approx(back.over(1, 2)[0])
    assert forth.over(1, 2)[0] == pytest.approx(back.over(0, 2)[1])
    ratio, low, high = forth.over(0, 2)[1]
    assert low <= ratio <= high


# --- its interval -------------------------------------------------------------------------------------------------


def test_one_layer_keeps_its_interval() -> None:
    seconds = np.array([[1.0, 1.5]])
    found = compare_totals(seconds, np.array([3.0]), known(seconds, 0.1, 0.2))
    assert found.over(0, 2)[1] == pytest.approx([1.5, 1.5 * math.exp(-0.1), 1.5 * math.exp(0.2)])


def test_errors_of_layers_add_up_as_partly_common() -> None:
    """Four layers of one weight and width: between the quarter of their sum of all alike, and half of that."""
    seconds = np.ones((4, 2))
    found = compare_totals(seconds, np.ones(4), known(seconds, 0.08, 0.08))
    width = 0.08 * math.sqrt(COMMON_TO_LAYERS + (1 - COMMON_TO_LAYERS) / 4)
    assert (-found.low[0], found.high[0]) == pytest.approx((width, width))
    assert 0.04 < width < 0.08


def test_a_layer_weighs_what_it_takes_of_both_totals() -> None:
    """The uncertain layer is half of a's total and a quarter of b's: three eighths."""
    seconds = np.array([[1.0, 1.0], [1.0, 3.0]])
    sure = known(seconds)
    width = np.array([[0.08], [0.0]])
    unsure = LayerRatios(sure.middle, sure.low - width, sure.high + width, sure.decidable)
    found = compare_totals(seconds, ONCE, unsure)
    assert found.high - found.middle == pytest.approx([3 / 8 * 0.08])
    assert found.middle - found.low == pytest.approx([3 / 8 * 0.08])


def test_a_verdict_needs_every_layer_to_be_decidable() -> None:
    seconds = np.array([[1.0, 2.0], [1.0, 2.0]])
    sure = known(seconds)
    found = compare_totals(seconds, ONCE, LayerRatios(sure.middle, sure.low, sure.high, np.array([[True], [False]])))
    assert found.verdict.tolist() == ["undecided"]
    assert compare_totals(seconds, ONCE, sure).verdict.tolist() == ["faster"]


@pytest.mark.parametrize(
    ("factor", "width", "verdict"),
    [(1.1, 0.05, "faster"), (1 / 1.1, 0.05, "slower"), (1.01, 0.005, "same"), (1.01, 0.05, "undecided")],
)
def test_verdicts_are_those_of_single_layers(factor: float, width: float, verdict: str) -> None:
    seconds = np.array([[1.0, factor]])
    assert compare_totals(seconds, np.ones(1), known(seconds, width, width)).verdict.tolist() == [verdict]


# 2,000 networks of 12 layers. With intervals that hold the truth in all but 5 % of the layers, that of the total must
# miss it in no more; planted: with COMMON_TO_LAYERS at 0 that of the second case misses it too often.
@pytest.mark.parametrize("shared", [0.0, 0.1, COMMON_TO_LAYERS], ids=["apart", "a tenth common", "as stated"])
def test_the_interval_of_a_total_holds_the_truth_as_often_as_those_of_its_layers(shared: float) -> None:
    generator = np.random.default_rng(16)
    layers, networks, error = 12, 2000, 0.02
    weights = generator.lognormal(0.0, 1.0, layers)
    truth = np.column_stack([weights, weights])
    common = math.sqrt(shared) * generator.standard_normal((networks, 1))
    own = math.sqrt(1 - shared) * generator.standard_normal((networks, layers))
    missed = 0
    for middle in error * (common + own):
        column, width = middle[:, None], 1.96 * error
        ratios = LayerRatios(column, column - width, column + width, np.ones((layers, 1), dtype=np.bool_))
        found = compare_totals(truth, np.ones(layers), ratios)
        missed += not found.low[0] <= 0 <= found.high[0]
    # Three standard deviations of a count of 5 % of 2,000 are 1.5 %.
    assert missed / networks <= 0.065
