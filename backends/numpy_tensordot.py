"""NumPy's tensordot: channels summed away by axis number, and the result brought into the problem's layout."""

from __future__ import annotations

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import gradients
from pointwise_bench.backends._shared.arrays import numpy_epilogue, numpy_residual, read_pixels
from pointwise_bench.backends.problem import ACTIVATIONS


@register
class NumpyTensordot(Backend):
    """``np.tensordot(weight, x, axes=(1, 1))`` in NCHW, ``np.tensordot(x, weight.T, axes=1)`` in NHWC.

    Brings its operands into matrices for one ``np.dot``, one for each group. It has no ``out`` and no batch axes: a
    batch in NCHW is copied to (channel, image, pixel) order and back. ``numpy-matmul`` has the half precisions.
    """

    name = "numpy-tensordot"
    directions = gradients.ALL_DIRECTIONS
    activations = ACTIVATIONS
    adds = True

    def refuses(self, problem: Problem) -> str | None:
        """A row times one number: NumPy's ``dot`` leaves that to BLAS's axpy, for which zero times NaN is zero."""
        sizes = (problem.weight_shape[1], problem.out_channels // problem.groups, problem.pixels)
        scales = problem.reduction_length == 1 and sorted(sizes)[1] == 1 < max(sizes)
        return super().refuses(problem) or ("np.dot answers zero times NaN with zero here" if scales else None)

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The layer of the problem's direction."""
        if weight is None:
            return _weight_gradient(problem)
        if problem.direction == "backward-input":
            return gradients.input_gradient(problem, weight, _forward, fresh=True)
        if problem.add:
            return numpy_residual(problem, lambda p: _forward(p, weight, bias))
        return _forward(problem, weight, bias)


def _forward(p: Problem, weight: Array, bias: Array | None) -> Layer:
    """Weights by group, in the order in which tensordot takes them without a copy."""
    import numpy as np

    nchw = p.layout == "nchw"
    axis = 1 if nchw else 3
    operands = [rows if nchw else np.ascontiguousarray(rows.T) for rows in np.split(weight, p.groups)]
    finish = numpy_epilogue(p, bias)

    def product(x: Array, operand: Array) -> Array:
        if nchw:
            return np.ascontiguousarray(np.tensordot(operand, x, axes=(1, 1)).swapaxes(0, 1))
        return np.tensordot(x, operand, axes=1)

    def layer(x: Array) -> Array:
        x = read_pixels(p, x)
        if p.groups == 1:
            y = product(x, operands[0])
        else:
            parts = np.split(x, p.groups, axis=axis)
            y = np.concatenate([product(*each) for each in zip(parts, operands, strict=True)], axis=axis)
        if finish is not None:
            finish(y)
        return y

    return layer


def _weight_gradient(p: Problem) -> Layer:
    """Images and pixels summed away in one call, a group at a time."""
    import numpy as np

    axes, channel = gradients.pixel_axes(p), 1 if p.layout == "nchw" else 3

    def layer(x: Array, dy: Array) -> Array | tuple[Array, Array]:
        parts = zip(*(np.split(each, p.groups, axis=channel) for each in (dy, read_pixels(p, x))), strict=True)
        dw = np.concatenate([np.tensordot(left, right, axes=(axes, axes)) for left, right in parts])
        return (dw, dy.sum(axis=axes)) if p.bias else dw

    return layer
