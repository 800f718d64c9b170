"""Numbers of every size: what is lost among small and large ones is seen, and what a ReLU hides in one question."""

from __future__ import annotations

from math import frexp
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory.input_windows import content, window
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.comparison import Comparison
from pointwise_bench.suites.harness.verify.drawing import Case
from pointwise_bench.suites.harness.verify.drawn.extremes import Products, lost_at_most
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.reference import answer
from pointwise_bench.suites.harness.verify.sampled_rows import SampledRows

WITH_RELU = Problem(batch=2, in_channels=24, out_channels=32, height=6, width=5, bias=True, activation="relu")


def test_every_element_that_a_relu_hides_is_alive_in_another_question() -> None:
    for seed in range(20):
        made = CaseSet.of(WITH_RELU, seed)
        assert ((made.first.answer > 0) | (made.second.answer > 0)).all()
        assert (made.first.answer > 0).mean() < 0.9  # a ReLU hides some


def test_the_opposite_operand_has_the_opposite_sums_and_the_same_sizes() -> None:
    there = Products(np.array([1.0, -2.0]), np.array([3.0, -4.0]), np.array([5.0, 6.0]))
    back = there.negated()
    assert (back.right.tolist(), back.sums.tolist(), back.magnitude.tolist()) == ([-1, 2], [-3, 4], [5, 6])


def seen(case: Case, weights: Weights, change: Any, problem: Problem = WITH_RELU) -> float:
    """The share of elements that are off by more than what is allowed where the inputs, or weights, are changed so."""
    inputs, weight = change(case.inputs[0], weights.weight)
    with np.errstate(all="ignore"):
        result = answer(problem, (inputs,), weight, weights.bias).astype(problem.dtype)
        return float((Comparison(problem, "own").errors(result, case) > 1).mean())


def flushed(below: float) -> Any:
    return lambda x, weight: (np.where(abs(x) < below, x.dtype.type(0), x), weight)


@pytest.mark.parametrize("text", ["n2c24h6w5-o32-relu", "n1c512h1w1-o64", "n2c24h6w5-o32-bias-relu-nhwc"])
def test_numbers_of_every_size_are_seen(text: str) -> None:
    """Not what instructions flush by design: that of subnormal numbers is allowed. Pruned weights are in every case."""
    problem = Problem.parse(text)
    clipped, flushed_small = [], []
    for seed in range(10):
        made = CaseSet.of(problem, seed)
        assert seen(made.faint, made.real, flushed(1e-20), problem) > 0
        flushed_small.append(seen(made.faint, made.real, flushed(1e-30), problem) > 0)
        assert seen(made.faint, made.real, flushed(float(np.finfo(np.float32).smallest_normal)), problem) == 0
        clipped.append(seen(made.loud, made.real, lambda x, w: (np.clip(x, -1e4, 1e4), w), problem) > 0)
        assert seen(made.first, made.real, lambda x, w: (x, np.where(abs(w) < 1e-3 * abs(w).max(), 0, w)), problem) > 0
        if problem.pixels > 1:
            assert np.isinf(made.loud.answer).mean() > 0.001
    # A single column may hold a NaN, and has one size.
    assert sum(clipped) >= (5 if problem.pixels == 1 else 10)
    assert sum(flushed_small) >= (5 if problem.pixels == 1 else 10)


@pytest.mark.parametrize("terms", [512, 1024])
def test_correct_code_stays_far_below_the_bound_whatever_the_weights(terms: int) -> None:
    """One term after the other in float32, the worst order of adding up that honest code has, on the inputs of a turn.

    A sixth of the bound, as with weights of one size. With weights up to 2^10 times as large it was most of it.
    """
    problem = Problem(batch=1, in_channels=terms, out_channels=64, height=16, width=16)
    for seed in range(3):
        made = CaseSet.of(problem, seed)
        assert made.real.weight is not None
        weight = made.real.weight.reshape(64, terms)
        x = window(content(made.pools[0], (3, 5)), problem.input_shape, line=1)
        result = np.zeros((64, 256), np.float32)
        for term in range(terms):
            result += weight[:, term : term + 1] * x.reshape(terms, 256)[term]
        sampled = SampledRows.drawn(problem, made.real)
        rows = sampled.of(result.reshape(problem.output_shape))
        assert Comparison(problem, "own").error(rows, sampled.case((x,))) < 0.3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_large_numbers_come_up_to_the_largest_and_infinities_are_few(dtype: Any) -> None:
    """Of float64 every second one that was to be large had been infinite."""
    problem = Problem(batch=2, in_channels=40, out_channels=24, height=6, width=5, dtype=dtype)
    x = CaseSet.of(problem, seed=3).loud.inputs[0].astype(np.float64)
    finite = x[np.isfinite(x)]
    assert np.abs(finite).max() > float(ml_dtypes.finfo(dtype).max) / 2.1
    assert 0 < x.size - finite.size <= 2 * 4
    # Of the columns that keep one term every second one: a product of each of those may overflow.
    assert (np.abs(finite) == 2.0 ** (frexp(float(ml_dtypes.finfo(dtype).max))[1] - 1)).sum() > 5


def test_what_is_no_number_stands_in_four_columns_alone_or_with_another() -> None:
    x = CaseSet.of(Problem(batch=2, in_channels=40, out_channels=24, height=6, width=5), seed=3).loud.inputs[0]
    columns = x.transpose(0, 2, 3, 1).reshape(-1, 40)
    odd = [sorted(map(str, column[~np.isfinite(column)].tolist())) for column in columns]
    assert sorted(filter(None, odd)) == [["-inf", "-inf"], ["-inf", "inf"], ["inf"], ["nan"]]


@pytest.mark.parametrize(
    ("dtype", "accumulated", "alone"),
    [
        ("float16", -126, 0.0),
        ("bfloat16", -126, 2.0**-126),
        ("float32", -126, 2.0**-126),
        ("float64", -1022, 2.0**-1022),
    ],
)
def test_what_may_be_lost_of_a_small_sum_by_hand(dtype: Any, accumulated: int, alone: float) -> None:
    """Of 20 terms and a residual, each the smallest normal number of the sum; and a product with the largest weight."""
    problem = Problem(batch=1, in_channels=20, out_channels=2, height=1, width=1, add=True, dtype=dtype)
    assert lost_at_most(problem) == 2 * (20 + 1 + 2) * 2.0**accumulated + 2 * alone * 4
