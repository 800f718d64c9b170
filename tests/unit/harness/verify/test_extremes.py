"""Numbers of every size: what is lost among small and large ones is seen, and what a ReLU hides in one question."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify.cases import Case, CaseSet
from pointwise_bench.suites.harness.verify.comparison import Comparison
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.reference import answer

WITH_RELU = Problem(batch=2, in_channels=24, out_channels=32, height=6, width=5, bias=True, activation="relu")


def test_every_element_that_a_relu_hides_is_alive_in_another_question() -> None:
    for seed in range(20):
        made = CaseSet.of(WITH_RELU, seed)
        assert ((made.first.answer > 0) | (made.second.answer > 0)).all()
        assert (made.first.answer > 0).mean() < 0.9  # a ReLU hides some


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
    clipped = []
    for seed in range(10):
        made = CaseSet.of(problem, seed)
        assert seen(made.faint, made.real, flushed(1e-20), problem) > 0
        assert seen(made.faint, made.real, flushed(1e-30), problem) > 0
        assert seen(made.faint, made.real, flushed(float(np.finfo(np.float32).smallest_normal)), problem) == 0
        clipped.append(seen(made.loud, made.real, lambda x, w: (np.clip(x, -1e4, 1e4), w), problem) > 0)
        assert seen(made.first, made.real, lambda x, w: (x, np.where(abs(w) < 1e-3 * abs(w).max(), 0, w)), problem) > 0
        if problem.pixels > 1:
            assert np.isinf(made.loud.answer).mean() > 0.001
    assert sum(clipped) >= (5 if problem.pixels == 1 else 10)  # a single column may hold a NaN
