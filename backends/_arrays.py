"""What backends on array libraries share: the pixels that a stride reads, and what follows a matrix product."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backends.problem import Problem

if TYPE_CHECKING:
    from backends.backend import Array


def read_pixels(problem: Problem, x: Any) -> Any:
    """The pixels of ``x`` that the stride reads: a view, in the problem's layout, of any library's array."""
    step = problem.stride
    if step == 1:
        return x
    return x[:, :, ::step, ::step] if problem.layout == "nchw" else x[:, ::step, ::step]


def numpy_epilogue(problem: Problem, bias: Array | None) -> Callable[[Array], None]:
    """Adds the bias to a ``y`` of ``problem.output_shape`` and applies the ReLU, both in place."""
    import numpy as np

    shape = (-1, 1, 1) if problem.layout == "nchw" else (-1,)
    addend = None if bias is None else bias.reshape(shape)
    relu = problem.activation == "relu"

    def finish(y: Array) -> None:
        if addend is not None:
            np.add(y, addend, out=y)
        if relu:
            np.maximum(y, 0, out=y)

    return finish
