"""Cases held to the reference: whatever their cheaper ways to an answer are, it is the one that the formula gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import error_bounds as bounds
from pointwise_bench.suites.harness.verify.drawing import Case
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.reference import activated, answer, magnitudes

SMALL: Final = Problem(batch=2, in_channels=6, out_channels=16, height=5, width=4, stride=2, groups=2, bias=True)
EXAMINED: Final = (
    SMALL,
    replace(SMALL, add=True, activation="relu", bias=False),
    replace(SMALL, activation="silu", layout="nhwc"),
    replace(SMALL, activation="hardswish", add=True, in_channels=1200, dtype="bfloat16"),
    replace(SMALL, in_channels=1200, dtype="float16"),
    replace(SMALL, activation="relu6", dtype="float64"),
    replace(SMALL, activation="gelu", bias=False),
    replace(SMALL, direction="backward-input"),
    replace(SMALL, direction="backward-weight", dtype="float16", layout="nhwc"),
    replace(SMALL, groups=1, add=True),
    replace(SMALL, groups=3, out_channels=12, stride=1),
    replace(SMALL, batch=0),
)
"""Every direction, dtype and layout, and every kind of activation; sums that are longer than their dtype can hold."""


def check_form(problem: Problem, case: Case) -> None:
    assert [each.shape for each in case.inputs] == list(problem.input_shapes)
    assert all(each.dtype == np.dtype(problem.dtype) and each.flags.c_contiguous for each in case.inputs)


def check_exact(problem: Problem, weights: Weights, case: Case) -> None:
    """Equal to the last bit, and numbers of the problem's own dtype. So are the sums before a smooth activation."""
    check_form(problem, case)
    if problem.activation in bounds.OWN_ROUNDOFFS:
        sums = answer(replace(problem, activation="none"), case.inputs, weights.weight, weights.bias)
        assert case.allowed is not None
        assert np.isinf(case.allowed[sums == -np.inf]).all()
        right = activated(problem.activation, sums)
        judged = sums != -np.inf
        assert np.array_equal(case.answer[judged], right[judged], equal_nan=True)
        largest = bounds.OWN_ROUNDOFFS[problem.activation] * 2 * bounds.UNIT_ROUNDOFF[problem.dtype] + 2.0**-24
        finite = np.isfinite(sums)
        assert (case.allowed[finite] <= largest * abs(sums[finite])).all()
        return
    expected = answer(problem, case.inputs, weights.weight, weights.bias)
    assert case.answer.shape == expected.shape
    assert np.array_equal(case.answer, expected, equal_nan=True)
    assert np.array_equal(expected.astype(problem.dtype).astype(np.float64), expected, equal_nan=True)
    assert case.allowed is None


def check_reals(problem: Problem, weights: Weights, case: Case) -> None:
    """Equal up to float64's rounding; the bound never below the plain one, and above it by no more than it says."""
    check_form(problem, case)
    expected = answer(problem, case.inputs, weights.weight, weights.bias)
    sizes = magnitudes(problem, case.inputs, weights.weight, weights.bias)
    sums = answer(replace(problem, activation="none"), case.inputs, weights.weight, weights.bias)
    assert (abs(case.answer - expected) <= 1e-14 * sizes).all()
    of_product = case.inputs[:1] if problem.add else case.inputs
    before = answer(replace(problem, activation="none", add=False), of_product, weights.weight, weights.bias)
    least = bounds.allowed(problem, sizes, expected, sums, before)
    assert case.allowed is not None
    assert (case.allowed >= least * (1 - 1e-7)).all()  # float32's digits
    assert (case.allowed <= least * (1 + 3 * bounds.UNIT_ROUNDOFF[problem.dtype] + 2.0**-20)).all()


def check_extreme(problem: Problem, weights: Weights, case: Case) -> None:
    """Equal up to float64's rounding, or as little as may be lost of a small number; overflown where the dtype is."""
    check_form(problem, case)
    with np.errstate(all="ignore"):
        expected = answer(problem, case.inputs, weights.weight, weights.bias)
        stored = expected.astype(problem.dtype).astype(np.float64)
        expected = np.where(np.isinf(stored), stored, expected)
        assert case.allowed is not None
        own = 0.5 if problem.dtype == "float64" else 1e-6  # float64's rounding, as a part of what is allowed
        near = abs(case.answer - expected) <= 1e-13 * abs(expected) + own * case.allowed
    free = np.isinf(case.allowed) & np.isfinite(case.answer)  # what is judged by nothing
    assert problem.activation in bounds.OWN_ROUNDOFFS or problem.bias or not free.any()
    odd = ~np.isfinite(expected) & ~free
    near |= free
    assert np.array_equal(case.answer[odd], expected[odd], equal_nan=True)
    assert near[~odd].all()
