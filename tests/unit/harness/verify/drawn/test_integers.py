"""Whole numbers: exact in the type, in whatever order they are added, and each of them such that mistakes show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from examined_cases import EXAMINED, check_exact

from pointwise_bench import Problem
from pointwise_bench.backends.problem import Dtype
from pointwise_bench.suites.harness.verify import reference
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.drawing import REACH
from pointwise_bench.suites.harness.verify.drawn.integers import Integers

LONG = Problem(batch=2, in_channels=600, out_channels=16, height=5, width=5, groups=2, bias=True, add=True)
SMALL = Problem(batch=2, in_channels=6, out_channels=4, height=5, width=4, stride=2, groups=2, bias=True)


def drawn(problem: Problem, seed: int = 1) -> Integers:
    return Integers(problem, np.random.default_rng(seed))


@pytest.mark.filterwarnings("ignore:invalid value encountered")  # infinity is put in
@pytest.mark.parametrize("problem", EXAMINED, ids=str)
def test_every_answer_is_the_references(problem: Problem) -> None:
    for seed in range(3):
        weights, *cases = drawn(problem, seed).cases()
        for case in cases:
            check_exact(problem, weights, case)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("activation", ["none", "relu6", "gelu"])
def test_the_sum_before_the_residual_is_exact_too(dtype: Any, activation: Any) -> None:
    """Who adds behind the product has stored it in the type."""
    problem = replace(LONG, dtype=dtype, activation=activation)
    for seed in range(3):
        made = CaseSet.of(problem, seed)
        for case in (made.integers, made.probe):
            x, residual = case.inputs
            before = replace(problem, add=False, activation="none")
            with np.errstate(invalid="ignore"):
                sums = reference.answer(before, (x,), made.integer.weight, made.integer.bias)
                alone = reference.answer(before, (x,), made.integer.weight, None) + residual.astype(np.float64)
                whole = sums + residual.astype(np.float64)
            for each in (sums, alone, whole):
                assert np.array_equal(each.astype(dtype).astype(np.float64), each, equal_nan=True)


@pytest.mark.parametrize("dtype", get_args(Dtype))
def test_integers_reach_every_channel_where_there_are_pixels_enough(dtype: Any) -> None:
    problem = Problem(batch=2, in_channels=2048, out_channels=8, height=8, width=8, dtype=dtype)
    made = CaseSet.of(problem, seed=1)
    assert (made.integers.inputs[0].astype(np.float64) != 0).any(axis=(0, 2, 3)).all()
    assert made.integer.weight is not None
    assert (made.integer.weight.astype(np.float64) == 0).sum() == 1  # which an infinite input meets
    assert (made.first.inputs[0].astype(np.float64) != 0).all()


def test_a_probe_is_one_term_of_each_sum_that_walks_over_all_channels() -> None:
    """1 + 2^-12 in float32; 2 images x 2 groups x 6 pixels meet each of the 3 channels of a group."""
    probe = drawn(SMALL).cases()[2]
    (x,) = probe.inputs
    read = x[:, :, ::2, ::2].reshape(2, 2, 3, -1)
    assert set(np.unique(x)) == {0.0, 1.0 + 2.0**-12}
    assert ((read != 0).sum(axis=2) == 1).all()
    assert (read != 0).any(axis=(0, 1, 3)).all()
    skipped = np.ones(x.shape, bool)
    skipped[:, :, ::2, ::2] = False
    assert (x[skipped] == 0).all()


def test_poison_is_at_both_ends_and_in_the_middle_and_wherever_nobody_reads() -> None:
    poisoned = drawn(SMALL).cases()[3]
    (x,) = poisoned.inputs
    columns = x[:, :, ::2, ::2].reshape(2, 6, 6)
    assert np.isnan(columns[0, 0, 0])
    assert np.isnan(columns[0, 0, 3])
    assert np.isinf(columns[1, 5, 5])
    assert np.isinf(columns[1, 5, 2])
    assert np.isfinite(columns).sum() == columns.size - 4
    assert np.isnan(x[:, :, 1::2]).all()
    assert np.isnan(x[:, :, :, 1::2]).all()
    # Of the answer, four columns of a group are poisoned and no other, but for rows with an odd weight or bias.
    whole = np.flatnonzero(np.isfinite(drawn(SMALL).cases()[1].answer).all(axis=(0, 2, 3)))
    assert 0 < len(whole) < 4
    assert (~np.isfinite(poisoned.answer[:, whole])).sum() == 2 * len(whole)


@pytest.mark.parametrize(
    ("dtype", "largest"), [("float16", 2**11), ("bfloat16", 2**8), ("float32", 2**24), ("float64", 2**53)]
)
def test_integers_stay_where_the_dtype_holds_every_one(dtype: Any, largest: int) -> None:
    """With as many terms as float32 can add up exactly: 4 * 8 * 4096 is far below 2^24, and above 2^11."""
    problem = Problem(batch=1, in_channels=4096, out_channels=4, height=3, width=3, bias=True, dtype=dtype)
    answer = CaseSet.of(problem, seed=1).integers.answer
    answer = answer[np.isfinite(answer)]  # a few rows have odd weights
    assert abs(answer).max() <= largest
    assert (answer == np.rint(answer)).all()
    assert len(np.unique(answer)) > 10  # and they are numbers that differ


def test_sums_that_could_not_be_exact_are_an_error_and_no_wrong_answer() -> None:
    """Half a million terms of up to 32 are 2^24."""
    problem = Problem(batch=1, in_channels=2**19, out_channels=1, height=1, width=1)
    with pytest.raises(AssertionError, match="no longer exact"):
        CaseSet.of(problem, seed=1)


@pytest.mark.parametrize(
    ("dtype", "terms", "weight", "value", "limit"),
    [
        ("float16", 16384, 4, 2, 2**11 - 3),
        ("bfloat16", 2048, 2, 2, 2**8 - 3),
    ],
)
def test_as_many_values_are_zero_as_keep_sums_six_deviations_below_the_limit(
    dtype: Any, terms: int, weight: int, value: int, limit: int
) -> None:
    """Weights are whole numbers up to ``weight`` without zero, values such up to ``value`` with it."""
    x = drawn(Problem(batch=1, in_channels=terms, out_channels=8, height=9, width=9, dtype=dtype)).cases()[1].inputs[0]
    weights = np.array([each for each in range(-weight, weight + 1) if each])
    values = np.arange(-value, value + 1)
    of_product = np.square(weights).mean() * np.square(values).mean()
    left = (limit / 6) ** 2 / (of_product * terms)
    assert (x != 0).mean() == pytest.approx(left * (values != 0).mean(), rel=0.02)


def test_before_a_bias_every_second_weight_undoes_the_one_before_it() -> None:
    """Of half precision, beyond the first sixteen terms; not in the last group, which has a zero."""
    left = drawn(replace(LONG, dtype="bfloat16", add=False)).left[0].astype(np.float64)
    assert (left[:, 16::2] == -left[:, 17::2]).all()
    assert not (left[:, 0:16:2] == -left[:, 1:16:2]).all()
    whole = drawn(replace(LONG, add=False)).left[0]  # float32 has digits enough
    assert not (whole[:, 16::2] == -whole[:, 17::2]).all()


@pytest.mark.parametrize(("dtype", "weight", "value"), [("float16", 4, 2), ("bfloat16", 2, 2), ("float32", 4, 8)])
def test_weights_are_all_small_numbers_but_zero_and_inputs_zero_too(dtype: Any, weight: int, value: int) -> None:
    problem = Problem(batch=2, in_channels=60, out_channels=7, height=9, width=9, dtype=dtype)
    made = drawn(problem)
    made.left[-1, :, -1] = 1  # one of which is zero
    assert {*made.left.astype(int).flat} == {*range(-weight, weight + 1)} - {0}
    assert {*made.cases()[1].inputs[0].astype(int).flat} == {*range(-value, value + 1)}


@pytest.mark.parametrize("activation", sorted(REACH))
def test_before_an_activation_that_bends_sums_are_one_or_two_units_large(activation: Any) -> None:
    problem = Problem(batch=2, in_channels=200, out_channels=64, height=6, width=5, activation=activation)
    weights, integers, *_ = drawn(problem).cases()
    with np.errstate(invalid="ignore"):
        sums = reference.answer(replace(problem, activation="none"), integers.inputs, weights.weight, None)
    assert 0.95 < np.sqrt(np.square(sums[np.isfinite(sums)]).mean()) < 2.05


def test_weights_and_bias_have_two_odd_ones_each() -> None:
    weights = drawn(Problem(batch=1, in_channels=8, out_channels=64, height=2, width=2, bias=True)).weights()
    assert weights.weight is not None
    assert np.isfinite(weights.weight).all()  # put in where the cases are made
    weights = drawn(Problem(batch=1, in_channels=8, out_channels=64, height=2, width=2, bias=True)).cases()[0]
    for odd in (weights.weight, weights.bias):
        assert odd is not None
        assert (np.isnan(odd).sum(), np.isinf(odd).sum()) == (1, 1)


@pytest.mark.parametrize(("activation", "extreme"), [("none", False), ("relu6", False), ("silu", True)])
def test_where_an_activation_rounds_infinities_are_met_as_such(activation: Any, extreme: bool) -> None:
    cases = drawn(replace(SMALL, activation=activation)).cases()[1:]
    assert [case.extreme for case in cases] == [extreme] * 3
