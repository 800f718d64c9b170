"""Where NumPy's dot leaves a product out because one factor is zero, whatever the other is."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.backends import registry

LEFT_OUT: Final = {
    "n1c4h2w2-o4-g4": True,
    "n1c4h2w2-o8-g4": False,
    "n2c4h1w1-o8-g4": False,
    "n1c4h1w1-o8-g4-nhwc": True,
    "n1c1h1w1-o8": True,
    "n1c2h1w1-o8": False,
    "n1c864h1w1-o4-g4-bias-float64-nhwc-backward-input": True,
    "n1c864h2w1-o4-g4-bias-float64-nhwc-backward-input": False,
    "n1c4h1w1-o4-g4-backward-weight": False,
    "n1c4h1w1-o8-g4-backward-weight": True,
    "n1c4h1w1-o4-g4": False,
    "n1c1h1w1-o7-backward-weight": True,
    "n1c2h1w1-o7-backward-weight": False,
}
"""One term to a sum, and one operand a single number, the other not."""


def test_it_refuses_these_and_no_others() -> None:
    backend = registry.get("numpy-tensordot")
    assert {text: backend.refuses(Problem.parse(text)) is not None for text in LEFT_OUT} == LEFT_OUT


@pytest.mark.parametrize("text", LEFT_OUT)
def test_zero_times_nan_is_zero_there(text: str) -> None:
    backend, problem = registry.get("numpy-tensordot"), Problem.parse(text)
    first, *others = problem.input_shapes

    def is_nan(one: float, other: float) -> bool:
        """Of the result for inputs of one number and weights, or a gradient that arrives, of another."""
        backward = problem.direction == "backward-weight"
        weight = None if backward else np.full(problem.weight_shape, other, problem.dtype)
        layer = backend.prepare(problem, weight, None, 1)  # type: ignore[arg-type]  # None: no weights
        inputs = [np.full(first, one, problem.dtype), *(np.full(each, other, problem.dtype) for each in others)]
        with np.errstate(invalid="ignore"):
            result = layer(*inputs)
        return bool(np.isnan(result[0] if isinstance(result, tuple) else result).all())

    assert (is_nan(0, np.nan) and is_nan(np.nan, 0)) != LEFT_OUT[text]
