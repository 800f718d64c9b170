"""Odd weights: where they are, and that the sums are what they make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import reference
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.drawn.odd_weights import (
    ROWS_FOR_ONE,
    OddWeights,
    put_in_zero,
    rows_with_zero,
)

WIDE = Problem(batch=2, in_channels=12, out_channels=64, height=5, width=5, groups=2, bias=True, activation="relu")


@pytest.mark.parametrize("identity", [WIDE.id, "n2c32h5w5-o16-backward-input", "n1c40h3w3-o32-bias-float16-nhwc"])
@pytest.mark.parametrize("seed", range(5))
def test_answers_are_those_of_the_reference_and_most_rows_are_as_exact_as_before(identity: str, seed: int) -> None:
    problem = Problem.parse(identity)
    made = CaseSet.of(problem, seed)
    weight, bias = made.integer.weight, made.integer.bias
    assert weight is not None
    odd = np.isnan(weight.astype(np.float64)).sum(), np.isinf(weight.astype(np.float64)).sum()
    assert odd == (1, 1)
    if bias is not None:
        assert (np.isnan(bias.astype(np.float64)).sum(), np.isinf(bias.astype(np.float64)).sum()) == (1, 1)
    with np.errstate(invalid="ignore"):
        for case in (made.integers, made.probe, made.poisoned):
            assert np.array_equal(case.answer, reference.answer(problem, case.inputs, weight, bias), equal_nan=True)
    channels = made.integers.answer if problem.layout == "nhwc" else made.integers.answer.transpose(0, 2, 3, 1)
    whole = np.isfinite(channels).all(axis=(0, 1, 2)).mean()
    assert 1 - 1 / ROWS_FOR_ONE <= whole < 1


def test_who_cleans_weights_or_skips_zeros_gets_another_answer() -> None:
    made = CaseSet.of(WIDE, seed=1)
    weight, bias = made.integer.weight, made.integer.bias
    assert weight is not None
    assert bias is not None
    (x,) = made.integers.inputs
    for cleaned in ((np.nan_to_num(weight), bias), (weight, np.nan_to_num(bias))):
        with np.errstate(all="ignore"):
            assert not np.array_equal(reference.answer(WIDE, (x,), *cleaned), made.integers.answer, equal_nan=True)
    (row,) = np.flatnonzero((weight == 0).any(axis=1))
    assert np.isnan(made.poisoned.answer[-1, row, -1, -1])  # zero times infinity


@pytest.mark.parametrize(
    ("problem", "most"),
    [
        (Problem(batch=1, in_channels=3, out_channels=1, height=2, width=2), 0),  # nothing else would be seen
        (Problem(batch=1, in_channels=3, out_channels=4, height=2, width=2), 1),
        (Problem(batch=1, in_channels=3, out_channels=64, height=2, width=2, direction="backward-weight"), 0),
        (Problem(batch=1, in_channels=64, out_channels=8, height=4, width=4, stride=2, direction="backward-input"), 0),
        (Problem(batch=0, in_channels=64, out_channels=64, height=2, width=2, bias=True), 4),
    ],
)
def test_few_rows_have_few_odd_ones(problem: Problem, most: int) -> None:
    rng = np.random.default_rng(1)
    drawn = [OddWeights.drawn(problem, rng, bias=problem.bias) for _ in range(50)]
    counts = {len(each.weights) + len(each.bias) for each in drawn}
    assert counts == {most}


def test_a_zero_is_in_one_row_of_several() -> None:
    rng = np.random.default_rng(1)
    left = np.ones((2, 3, 4))
    put_in_zero(left, rng)
    assert (left == 0).sum() == (left[-1, :, -1] == 0).sum() == 1
    alone = np.ones((2, 1, 4))
    put_in_zero(alone, rng)
    assert (alone == 1).all()


def test_no_row_with_a_zero_is_odd_as_well() -> None:
    """In one of eight layers of sixteen rows it was, and who skips zeros was right."""
    problem = Problem(batch=1, in_channels=4, out_channels=16, height=2, width=2)
    rng = np.random.default_rng(5)
    for _ in range(200):
        left = np.ones((1, 16, 4))
        put_in_zero(left, rng)
        (spared,) = rows_with_zero(left)
        odd = OddWeights.drawn(problem, rng, bias=False, spared=frozenset([spared]))
        assert len(odd.weights) == 2
        assert spared not in {each.row for each in odd.weights}


@pytest.mark.parametrize(
    ("rows", "count"), [(1, 0), (2, 1), (3, 1), (4, 2), (8, 2), (15, 2), (16, 2), (24, 3), (32, 4), (80, 4)]
)
def test_one_row_in_eight_is_odd_and_two_of_four_at_least(rows: int, count: int) -> None:
    problem = Problem(batch=1, in_channels=4, out_channels=rows, height=2, width=2, bias=True)
    odd = OddWeights.drawn(problem, np.random.default_rng(1), bias=True)
    assert len(odd.weights) + len(odd.bias) == count


def test_from_four_rows_on_weights_and_bias_have_an_odd_one_each() -> None:
    """Who cleans one of them is seen in every run, and not in every second one."""
    problem = Problem(batch=1, in_channels=8, out_channels=4, height=4, width=4, bias=True)
    for seed in range(50):
        odd = OddWeights.drawn(problem, np.random.default_rng(seed), bias=True, spared=frozenset([seed % 4]))
        assert len(odd.weights) == len(odd.bias) == 1


def test_rows_that_all_are_spared_leave_none() -> None:
    problem = Problem(batch=1, in_channels=4, out_channels=16, height=2, width=2)
    spared = frozenset(range(16))
    assert OddWeights.drawn(problem, np.random.default_rng(1), bias=False, spared=spared) == OddWeights()


@pytest.mark.parametrize(("activation", "signs"), [("none", {-np.inf, np.inf}), ("relu", {np.inf})])
def test_an_infinite_bias_is_of_both_signs_but_before_an_activation(activation: Any, signs: set[float]) -> None:
    rng, problem = np.random.default_rng(1), replace(WIDE, activation=activation)
    drawn = [OddWeights.drawn(problem, rng, bias=True) for _ in range(20)]
    assert {value for each in drawn for _, value in each.bias if np.isinf(value)} == signs
    assert {odd.value for each in drawn for odd in each.weights if np.isinf(odd.value)} == {-np.inf, np.inf}


def test_rows_with_a_zero_are_counted_over_all_groups() -> None:
    left = np.ones((2, 2, 4))
    left[0, 1, 2] = left[1, 0, 3] = 0
    assert rows_with_zero(left) == {1, 2}
