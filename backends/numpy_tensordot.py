"""NumPy's tensordot: channels summed away by axis number, and the result brought into the problem's layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends import Backend, Layer, Problem, register
from backends._arrays import numpy_epilogue, read_pixels

if TYPE_CHECKING:
    from backends.backend import Array


@register
class NumpyTensordot(Backend):
    """``np.tensordot(weight, x, axes=(1, 1))`` in NCHW, ``np.tensordot(x, weight.T, axes=1)`` in NHWC.

    Transposes and reshapes its operands to matrices and calls ``np.dot``, one GEMM of NumPy's BLAS. It has no ``out``
    and no batch axes: each call returns a new array, and in NCHW a batch of several images is copied to (channel,
    image, pixel) order and back. Groups are one call each, put together in the result.
    """

    name = "numpy-tensordot"

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights by group, in the order in which tensordot takes them without a copy."""
        import numpy as np

        p, groups = problem, problem.groups
        nchw = p.layout == "nchw"
        axis = 1 if nchw else 3
        operands = [rows if nchw else np.ascontiguousarray(rows.T) for rows in np.split(weight, groups)]

        def product(x: Array, operand: Array) -> Array:
            if nchw:
                return np.ascontiguousarray(np.tensordot(operand, x, axes=(1, 1)).swapaxes(0, 1))
            return np.tensordot(x, operand, axes=1)

        def layer(x: Array) -> Array:
            x = read_pixels(p, x)
            if groups == 1:
                y = product(x, operands[0])
            else:
                parts = np.split(x, groups, axis=axis)
                y = np.concatenate([product(*each) for each in zip(parts, operands, strict=True)], axis=axis)
            finish(y)
            return y

        finish = numpy_epilogue(p, bias)
        return layer
