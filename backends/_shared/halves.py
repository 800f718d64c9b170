"""float16 and bfloat16 for backends whose library has no arithmetic in them: widened to float32, rounded back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pointwise_bench.backends._shared import gradients
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

HALVES = ("float16", "bfloat16")
ALL_DTYPES = ("float32", "float64", *HALVES)


def widened(
    p: Problem,
    weight: Array | None,
    bias: Array | None,
    prepare: Callable[[Problem, Array | None, Array | None], Layer],
) -> Layer:
    """The layer that ``prepare`` makes of the same problem in float32, for NumPy arrays of the problem's own dtype."""
    import numpy as np

    wide_weight, wide_bias = (None if each is None else each.astype(np.float32) for each in (weight, bias))
    layer = prepare(replace(p, dtype="float32"), wide_weight, wide_bias)
    results = buffers(p)

    def rounded(*inputs: Array) -> Array | tuple[Array, ...]:
        wide = layer(*(each.astype(np.float32) for each in inputs))
        for mine, its in zip(results, wide if isinstance(wide, tuple) else (wide,), strict=True):
            mine[...] = its
        return results if len(results) > 1 else results[0]

    return rounded


def buffers(p: Problem) -> tuple[Array, ...]:
    """Arrays for what the layer returns: one, or the gradients of weights and bias."""
    import numpy as np

    return tuple(np.empty(shape, p.dtype) for shape in gradients.result_shapes(p))
