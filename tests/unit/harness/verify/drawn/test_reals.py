"""Real numbers with a residual: who leaves it out, or takes another's, is far off in every question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS
from pointwise_bench.suites.harness.verify import reference
from pointwise_bench.suites.harness.verify.cases import CaseSet

WIDE = Problem(batch=2, in_channels=40, out_channels=24, height=6, width=5, groups=2, bias=True, add=True)


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
