"""What is drawn is small enough for the activations that show nothing of large sums, and alive in one question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import reference
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.drawing import REACH, Drawn, power_of_two_below

LONG = Problem(batch=2, in_channels=300, out_channels=24, height=5, width=4, groups=2, bias=True, activation="relu6")


def test_a_power_of_two_below() -> None:
    assert [power_of_two_below(each) for each in (1.0, 1.5, 0.3, 2.0)] == [1.0, 1.0, 0.25, 2.0]


@pytest.mark.parametrize("bias", [False, True])
def test_every_element_that_relu6_cuts_off_is_between_its_ends_in_another_question(bias: bool) -> None:
    cases = CaseSet.of(replace(LONG, bias=bias), 5)
    inside = [(case.answer > 0) & (case.answer < 6) for case in (cases.first, cases.second)]
    assert np.logical_or(*inside).all()
    # As large as they are drawn hardly any of them would be.
    plain = CaseSet.of(replace(LONG, bias=bias, activation="none"), 5).first.answer
    assert np.mean(np.abs(plain) < 6) < 0.5


@pytest.mark.parametrize("activation", sorted(REACH))
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_sums_stay_where_the_activation_bends_and_reach_both_of_its_sides(activation: Any, dtype: Any) -> None:
    problem = replace(LONG, activation=activation, dtype=dtype)
    cases = CaseSet.of(problem, 5)
    plain, real, integer = replace(problem, activation="none"), cases.real, cases.integer
    for weights, case in ((real, cases.first), (real, cases.second), (integer, cases.integers)):
        with np.errstate(invalid="ignore"):
            sums = reference.answer(plain, case.inputs, weights.weight, weights.bias)
        sums = sums[np.isfinite(sums)]
        assert np.quantile(sums, 0.02) < -0.5 < 0.5 < np.quantile(sums, 0.98)
        assert np.abs(sums).max() < 16


def test_the_gradient_of_a_bias_is_the_last_column_beside_that_of_the_weights() -> None:
    """Two images of one pixel, three channels to two: rows of ``dy`` add up to the gradient of the bias."""
    problem = Problem(batch=2, in_channels=3, out_channels=2, height=1, width=1, bias=True, direction="backward-weight")
    drawn = Drawn(problem, np.random.default_rng(1))
    drawn.left = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    sums = np.arange(6.0).reshape(1, 1, 2, 3)
    assert drawn.answer(sums).tolist() == [[0, 1, 2, 3], [3, 4, 5, 7]]
    other = np.array([[[5.0, 6.0], [7.0, 8.0]]])
    assert drawn.answer(sums, other).tolist() == [[0, 1, 2, 11], [3, 4, 5, 15]]
    right = np.zeros(drawn.form.right)
    assert drawn.inputs(right, 0.0)[1].ravel().tolist() == [1, 3, 2, 4]  # image by image
    assert drawn.inputs(right, 0.0, other)[1].ravel().tolist() == [5, 7, 6, 8]


@pytest.mark.parametrize(
    ("direction", "there"), [("forward", True), ("backward-input", True), ("backward-weight", False)]
)
def test_a_layer_has_weights_but_for_their_gradient(direction: Any, there: bool) -> None:
    problem = Problem(batch=1, in_channels=2, out_channels=2, height=1, width=1, direction=direction)
    drawn = Drawn(problem, np.random.default_rng(1))
    drawn.left = np.ones(drawn.form.left)
    assert (drawn.weights().weight is not None) == there


def test_the_gradient_of_the_input_has_nothing_of_a_bias() -> None:
    problem = Problem(batch=1, in_channels=3, out_channels=2, height=1, width=1, bias=True, direction="backward-input")
    drawn = Drawn(problem, np.random.default_rng(1))
    assert not drawn.has_bias_gradient()
    assert drawn.answer(np.zeros((1, 1, 3, 1))).shape == (1, 3, 1, 1)
