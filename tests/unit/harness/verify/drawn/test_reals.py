"""Real numbers: their answers and bounds are the reference's, and who leaves something out is far off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from examined_cases import EXAMINED, check_extreme, check_reals

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS
from pointwise_bench.suites.harness.verify import reference
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.drawn.extremes import lost_at_most
from pointwise_bench.suites.harness.verify.drawn.reals import Reals
from pointwise_bench.suites.harness.verify.drawn.residuals import LARGEST_ADDED
from pointwise_bench.suites.harness.verify.error_bounds import OWN_ROUNDOFFS, STEEPEST

WIDE = Problem(batch=2, in_channels=40, out_channels=24, height=6, width=5, groups=2, bias=True, add=True)


def drawn(problem: Problem, seed: int = 3) -> Reals:
    return Reals(problem, np.random.default_rng(seed))


@pytest.mark.filterwarnings("ignore:invalid value encountered")  # infinity is put in
@pytest.mark.parametrize("problem", EXAMINED, ids=str)
def test_every_answer_and_bound_is_the_references(problem: Problem) -> None:
    for seed in range(3):
        weights, first, second, faint, loud = drawn(problem, seed).cases()
        for case in (first, second):
            check_reals(problem, weights, case)
        for case in (faint, loud):
            check_extreme(problem, weights, case)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_bias_is_as_large_as_a_sum_and_lets_every_one_be_seen(activation: Any) -> None:
    problem = Problem(batch=1, in_channels=400, out_channels=800, height=1, width=1, bias=True, activation=activation)
    bias = drawn(problem).bias
    assert bias is not None
    assert (bias == 0).sum() == 100
    assert (bias >= 0).all() == (activation != "none")
    if activation in ("none", "relu"):
        assert np.square(bias).mean() == pytest.approx(400 * 7 / 8, rel=0.2)
    else:
        assert 1 < bias.max() <= LARGEST_ADDED


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operands_use_all_digits_of_their_type(dtype: Any) -> None:
    """Numbers of float64 that float32 could hold would show no arithmetic in float32."""
    weights, first, *_ = drawn(replace(WIDE, dtype=dtype)).cases()
    assert weights.weight is not None
    for each in (weights.weight, first.inputs[0]):
        assert (each.astype(np.float32) == each).all() == (dtype == "float32")


@pytest.mark.parametrize(("channels", "zeros"), [(1, 0), (2, 1), (15, 1), (16, 2)])
def test_of_a_few_channels_one_has_no_bias_but_never_the_only_one(channels: int, zeros: int) -> None:
    bias = drawn(replace(WIDE, groups=1, out_channels=channels, add=False)).bias
    assert bias is not None
    assert (bias == 0).sum() == zeros


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_of_small_numbers_as_much_may_be_lost_as_the_activation_makes_of_it_where_it_is_steepest(
    activation: Any,
) -> None:
    problem = replace(WIDE, activation=activation)
    faint = drawn(problem).cases()[3]
    assert faint.allowed is not None
    assert faint.allowed.min() >= lost_at_most(problem) * STEEPEST.get(activation, 1.0) * (1 - 1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_large_sums_alone_are_judged_by_nothing_and_before_a_smooth_activation_alone(activation: Any) -> None:
    problem = replace(WIDE, activation=activation, bias=False, add=False)
    weights, *_, loud = drawn(problem).cases()
    with np.errstate(all="ignore"):
        sums = reference.answer(replace(problem, activation="none"), loud.inputs, weights.weight, None)
    large = float(ml_dtypes.finfo("float32").max) / 8
    free = (sums <= -large) | ((sums >= large) & np.isfinite(sums))
    assert 0 < free.mean() < 0.9
    assert loud.allowed is not None
    expected = free if activation in OWN_ROUNDOFFS else np.zeros_like(free)
    judged = np.isfinite(loud.answer)
    assert np.array_equal(np.isinf(loud.allowed)[judged], expected[judged])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_residual_that_is_left_out_is_far_off_in_most_places(activation: Any, dtype: Any) -> None:
    problem = replace(WIDE, activation=activation, dtype=dtype)
    made = CaseSet.of(problem, 3)
    for case in (made.first, made.second):
        without = reference.answer(replace(problem, add=False), case.inputs[:1], made.real.weight, made.real.bias)
        assert case.allowed is not None
        assert (abs(without - case.answer) > 2 * case.allowed).mean() > 0.2


def test_among_large_and_small_numbers_a_lost_residual_shows() -> None:
    made = CaseSet.of(replace(WIDE, bias=False), 3)
    for case in (made.faint, made.loud):
        x, residual = case.inputs
        assert case.allowed is not None
        with np.errstate(all="ignore"):
            without = reference.answer(replace(WIDE, bias=False, add=False), (x,), made.real.weight, None)
            far = abs(without - case.answer) > case.allowed
        assert far[np.isfinite(residual)].sum() > 10


def test_both_questions_have_residuals_of_their_own() -> None:
    made = CaseSet.of(WIDE, 3)
    assert (made.first.inputs[1] != made.second.inputs[1]).mean() > 0.9
