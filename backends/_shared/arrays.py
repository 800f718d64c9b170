"""What backends on array libraries share: the pixels that a stride reads, and what follows a matrix product."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared import residual
from pointwise_bench.backends._shared.activation import arrays as activation
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


def read_pixels(problem: Problem, x: Any) -> Any:
    """The pixels of ``x`` that the stride reads: a view, in the problem's layout, of any library's array."""
    step = problem.stride
    if step == 1:
        return x
    return x[:, :, ::step, ::step] if problem.layout == "nchw" else x[:, ::step, ::step]


def numpy_epilogue(problem: Problem, bias: Array | None) -> Callable[[Array], None] | None:
    """Bias and activation of a ``y`` of ``problem.output_shape``, in place; None where there is neither."""
    import numpy as np

    shape = (-1, 1, 1) if problem.layout == "nchw" else (-1,)
    activate = activation.in_place(problem)

    def add(y: Array) -> None:
        np.add(y, addend, y)

    addend = np.zeros(()) if bias is None else bias.reshape(shape)
    if bias is None:
        return activate
    if activate is None:
        return add

    def both(y: Array) -> None:
        np.add(y, addend, y)
        activate(y)

    return both


def numpy_residual(problem: Problem, sums: Callable[[Problem], Layer]) -> Layer:
    """``layer(x, residual)`` from ``sums``, see :func:`residual.added_behind`."""
    import numpy as np

    add = lambda y, other: np.add(y, other, y)  # noqa: E731
    return residual.added_behind(problem, sums, add, activation.in_place(problem))


def into_buffer(problem: Problem, multiply: Callable[[Array], Any], y: Array, bias: Array | None) -> Layer:
    """The layer of ``multiply``, which writes the product for an input without gaps into ``y``.

    A residual is added behind it. What a problem does not need is not in its layer: on the smallest ones a Python call
    is a percent of the time.
    """
    if problem.add:
        return numpy_residual(problem, lambda p: into_buffer(p, multiply, y, bias))
    finish = numpy_epilogue(problem, bias)

    def layer(x: Array) -> Array:
        multiply(x)
        if finish is not None:
            finish(y)
        return y

    if problem.stride == 1:
        return layer
    return lambda x: layer(read_pixels(problem, x))
