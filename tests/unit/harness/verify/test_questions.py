"""What a worker is given: all weights and inputs, and nothing of the answers."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.backends.problem import Direction, Dtype
from pointwise_bench.suites.harness.memory.shared_arrays import read_block
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.questions import Questions, Weights, result_shape, results_at
from pointwise_bench.suites.harness.verify.reference import answer

SMALL = Problem(batch=2, in_channels=6, out_channels=4, height=5, width=4, stride=2, groups=2, bias=True)


@pytest.mark.parametrize("dtype", get_args(Dtype))
@pytest.mark.parametrize("direction", get_args(Direction))
def test_weights_and_inputs_arrive_as_they_were(direction: Any, dtype: Any) -> None:
    asked = CaseSet.of(replace(SMALL, direction=direction, dtype=dtype), seed=1).questions()
    arrived = Questions.from_block(asked.to_block())
    for name, part in vars(asked).items():
        its = getattr(arrived, name)
        pairs = (
            [(part.weight, its.weight), (part.bias, its.bias)]
            if isinstance(part, Weights)
            else list(zip(part, its, strict=True))
        )
        for mine, other in pairs:
            assert (mine is None) == (other is None)
            assert mine is None or (mine.tobytes(), mine.shape, mine.dtype) == (
                other.tobytes(),
                other.shape,
                other.dtype,
            )


def test_nothing_in_the_block_is_an_answer() -> None:
    """By name, and by every value: no array is the result that one of the cases must have."""
    made = CaseSet.of(replace(SMALL, out_channels=6, stride=1), seed=1)  # results of the inputs' shape
    arrays = read_block(made.questions().to_block())
    assert not [name for name in arrays if "answer" in name or "allowed" in name]
    for case in (made.first, made.second, made.faint, made.loud, made.integers, made.probe, made.poisoned):
        assert not any(
            array.size == case.answer.size and np.allclose(array.ravel(), case.answer.ravel(), equal_nan=True)
            for array in arrays.values()
        )


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize("bias", [False, True])
def test_a_result_has_the_shape_of_its_answer(direction: Any, bias: bool) -> None:
    problem = replace(SMALL, direction=direction, bias=bias)
    made = CaseSet.of(problem, seed=1)
    expected = answer(problem, made.first.inputs, made.real.weight, made.real.bias)
    assert result_shape(problem) == expected.shape


def test_results_are_found_by_name_in_the_harness_memory() -> None:
    descriptor = os.memfd_create("results")
    os.ftruncate(descriptor, 2**16)
    with results_at(descriptor, ("a", "b"), SMALL) as results:
        results.write("b", np.ones(SMALL.output_shape, np.float32))
        assert (results.read("a") == 0).all()
        assert (results.read("b") == 1).all()
