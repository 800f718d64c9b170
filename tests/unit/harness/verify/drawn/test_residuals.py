"""Residuals: what of them every question can show, and that no other number changes where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS
from pointwise_bench.suites.harness.verify import reference
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.comparison import Comparison
from pointwise_bench.suites.harness.verify.drawn.residuals import (
    LARGEST_ADDED,
    LARGEST_RESIDUAL,
    Residuals,
    largest_addend,
    sizes_of,
)
from pointwise_bench.suites.harness.verify.error_bounds import PROBE_BITS

WIDE = Problem(batch=2, in_channels=40, out_channels=24, height=6, width=5, groups=2, add=True)


def residuals(seed: int = 0, **changed: Any) -> Residuals:
    return Residuals(replace(WIDE, **changed), np.random.default_rng(seed))


@pytest.mark.parametrize("what", ["usual", "faint", "integers"])
def test_without_a_residual_nothing_is_drawn(what: str) -> None:
    rng = np.random.default_rng(1)
    assert getattr(Residuals(replace(WIDE, add=False), rng), what)() is None
    assert rng.random() == np.random.default_rng(1).random()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_usual_ones_are_as_large_as_sums_and_every_sum_is_alive_in_one_question(activation: Any) -> None:
    drawn = residuals(activation=activation).usual()
    assert drawn is not None
    assert 0.15 < (drawn == 0).mean() < 0.35
    if activation == "none":
        assert (drawn < 0).any()
        assert drawn.std() == pytest.approx(20**0.5 * 0.75**0.5, rel=0.1)
    else:
        assert (drawn >= 0).all()
    if activation == "relu6":
        assert drawn.max() <= LARGEST_ADDED
        cases = CaseSet.of(replace(WIDE, bias=True, activation="relu6"), 5)
        inside = [(case.answer > 0) & (case.answer < 6) for case in (cases.first, cases.second)]
        assert np.logical_or(*inside).all()


def test_bias_and_residual_share_what_may_be_added_where_sums_are_kept_small() -> None:
    assert largest_addend(WIDE) == LARGEST_ADDED
    assert largest_addend(replace(WIDE, bias=True)) == LARGEST_ADDED / 2
    assert largest_addend(replace(WIDE, add=False)) == LARGEST_ADDED


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_faint_ones_go_down_to_the_smallest_and_loud_ones_up_to_a_quarter_of_the_largest(dtype: Any) -> None:
    info = ml_dtypes.finfo(dtype)
    faint = residuals(dtype=dtype, height=40, width=40).faint()
    assert faint is not None
    sizes = np.abs(faint[faint != 0].astype(np.float64))
    assert sizes.min() < float(info.smallest_normal)
    assert float(info.smallest_normal) * 2**10 < sizes.max() < float(info.smallest_normal) * 2**24
    loud = residuals(dtype=dtype).loud(np.zeros((2, 2, 12, 30)))
    assert loud is not None
    wide = loud.astype(np.float64)
    assert sorted(wide[~np.isfinite(wide)].tolist(), key=str) == ["-inf", "inf", "nan"] or {
        str(each) for each in wide[~np.isfinite(wide)]
    } == {"nan", "inf", "-inf"}
    finite = np.abs(wide[np.isfinite(wide)])
    assert float(info.max) / 8 < finite.max() <= float(info.max) / 4
    assert (finite == 0).mean() > 0.8


def test_where_a_sum_may_overflow_nothing_is_added() -> None:
    sums = np.zeros((2, 2, 12, 30))
    sums[0], sums[1, 0] = 3e38, np.nan
    loud = residuals().loud(sums)
    assert loud is not None
    assert (loud[0] == 0).all()
    assert (loud[1, 0] == 0).all()
    assert (loud[1, 1] != 0).any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_on_the_probe_no_sum_needs_more_digits_with_its_residual(dtype: Any) -> None:
    probe = 1.0 + 2.0 ** -PROBE_BITS[dtype]
    sums = np.linspace(-3, 3, 1440).round().reshape(2, 2, 12, 30) * probe
    drawn = residuals(dtype=dtype).against(sums)
    assert drawn is not None
    wide = drawn.astype(np.float64)
    assert (np.abs(wide) <= LARGEST_RESIDUAL[dtype]).all()
    assert (wide * sums <= 0).all()
    assert (wide != 0).all()
    half = residuals(dtype=dtype).against(np.full(sums.shape, 0.5))
    assert half is not None
    assert (half < 0).all()


@pytest.mark.parametrize(("finite", "count"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (9, 3)])
def test_poison_leaves_half_of_the_sums_and_is_of_three_kinds(finite: int, count: int) -> None:
    sums = np.full((2, 2, 12, 30), np.nan)
    sums.flat[:finite] = 1
    drawn = residuals().poisoned(sums)
    assert drawn is not None
    assert (~np.isfinite(drawn)).sum() == count


def test_poison_is_put_where_sums_are_finite() -> None:
    sums = np.full((2, 2, 12, 30), np.inf)
    sums[1, 1, 3] = 0
    drawn = residuals().poisoned(sums)
    assert drawn is not None
    odd = ~np.isfinite(drawn)
    assert odd.sum() == 3
    assert odd[1, 1, 3].sum() == 3


def test_poison_of_a_residual_shows_in_the_answer_and_in_its_place_alone() -> None:
    problem = replace(WIDE, layout="nhwc")
    made = CaseSet.of(problem, seed=2)
    x, residual = made.poisoned.inputs
    clean = (x, np.where(np.isfinite(residual), residual, 0).astype(problem.dtype))
    with np.errstate(invalid="ignore"):
        without = reference.answer(problem, clean, made.integer.weight, None)
    differs = ~((made.poisoned.answer == without) | (np.isnan(made.poisoned.answer) & np.isnan(without)))
    assert np.array_equal(differs, ~np.isfinite(residual))
    assert differs.sum() == 3


def test_sizes_of_what_is_no_number_are_zero() -> None:
    assert sizes_of(np.array([-2.0, np.inf, np.nan])).tolist() == [2.0, 0.0, 0.0]


@pytest.mark.parametrize("activation", ["none", "gelu"])
def test_who_begins_a_long_sum_by_its_residual_is_right_and_what_is_lost_of_that_is_seen(activation: Any) -> None:
    """Every term is rounded to the digits of a residual that is far larger: seven hundred times, once each."""
    problem = replace(Problem.parse("n3c697h7w5-o238-add"), activation=activation)
    for seed in range(6):
        made = CaseSet.of(problem, seed)
        for case in (made.first, made.second, made.faint, made.loud):
            x, residual = case.inputs
            assert farthest(problem, case, added_up(problem, made.real.weight, x, residual)) <= 1
        x, residual = made.loud.inputs
        with np.errstate(over="ignore"):
            shorter = residual.astype(ml_dtypes.bfloat16).astype(np.float32) * np.float32(1 + 2**-9)
        assert farthest(problem, made.loud, added_up(problem, made.real.weight, x, shorter)) > 1


def added_up(problem: Problem, weight: Any, x: Any, residual: Any) -> Any:
    """The layer in float32, term by term, from the residual on."""
    sums = residual.reshape(problem.batch, problem.out_channels, -1).copy()
    terms = x.reshape(problem.batch, problem.in_channels, -1)
    with np.errstate(all="ignore"):
        for term in range(problem.in_channels):
            sums += weight[:, term, None] * terms[:, None, term]
        return reference.activated(problem.activation, sums.astype(np.float64)).astype(np.float32)


def farthest(problem: Problem, case: Any, result: Any) -> float:
    """The largest error of an element, where one is all that may be."""
    with np.errstate(all="ignore"):
        return float(Comparison(problem, "own").errors(result.reshape(problem.output_shape), case).max())
