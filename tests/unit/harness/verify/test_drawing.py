"""What is drawn is small enough for the activations that show nothing of large sums, and alive in one question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import reference
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.drawing import REACH, power_of_two_below

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


def test_the_inputs_of_timed_calls_keep_the_size_that_they_had_before_other_activations() -> None:
    none, silu = (CaseSet.of(replace(LONG, activation=each), 5).pools[0] for each in ("none", "silu"))
    assert np.std(none) == pytest.approx(0.5**0.5, rel=0.05)
    assert np.std(silu) == pytest.approx(0.5**0.5 / 16, rel=0.05)  # 150 terms
