"""A backend's first use in a process: its answers to random questions, within the bounds of the gate.

Wisdom says what was right where it was measured. A library that was built anew under the same version, another
processor behind the same name, or a program that has set a library to something else: all of them show here.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pointwise_bench.backends.backend import Backend
from pointwise_bench.backends.problem import Problem
from pointwise_bench.suites.harness.verify.comparison import Comparison
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.sampled_rows import SampledRows

Array = npt.NDArray[Any]

QUESTIONS: Final = 2
"""Inputs, one after the other: a single answer can be right by what an earlier call has left behind."""

_found: dict[tuple[str, str, int], str | None] = {}


def fault_of(backend: Backend, problem: Problem, threads: int) -> str | None:
    """Why ``backend`` is not to be used for ``problem``, or None. Found once in a process.

    It costs a ``prepare``, with random weights: among the caller's own may be NaN, or numbers too small for any bound.
    """
    key = (backend.name, problem.id, threads)
    if key not in _found:
        try:
            _found[key] = _checked(backend, problem, threads)
        except Exception as error:  # a library may raise anything
            _found[key] = f"failed: {type(error).__name__}: {_one_line(error)}"
    return _found[key]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _checked(backend: Backend, p: Problem, threads: int) -> str | None:
    rng = np.random.default_rng()

    def numbers(shape: tuple[int, ...]) -> Array:
        made = rng.standard_normal(shape, dtype=np.float32).astype(p.dtype)
        made.flags.writeable = False
        return made

    weights = Weights(weight=numbers(p.weight_shape), bias=numbers((p.out_channels,)) if p.bias else None)
    assert weights.weight is not None
    layer = backend.prepare(p, weights.weight, weights.bias, threads)
    comparison = Comparison(p, backend.arithmetic)
    for _ in range(QUESTIONS):
        inputs = tuple(numbers(shape) for shape in p.input_shapes)
        returned = layer(*map(backend.to_device, inputs))
        backend.sync()
        result = backend.to_numpy(returned)
        if result.shape != p.output_shape or result.dtype != np.dtype(p.dtype):
            return f"returns {result.dtype} of {result.shape}, not {p.dtype} of {p.output_shape}"
        rows = SampledRows.drawn(p, weights)
        ratio = comparison.error(rows.of(result), rows.case(inputs)) if p.macs else 0.0
        if ratio > 1:
            return f"is wrong here: its error is {ratio:.3g} times what {comparison.rule} allows"
    return None
