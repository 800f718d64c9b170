"""Whole numbers with a residual: exact in the type, in whatever order bias and residual are added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import reference
from pointwise_bench.suites.harness.verify.cases import CaseSet

LONG = Problem(batch=2, in_channels=600, out_channels=16, height=5, width=5, groups=2, bias=True, add=True)


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
