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
    and no batch axes: in NCHW it copies a batch of several images to (channel, image, pixel) order, and the result's
    axes are swapped back on the way into the reused buffer. Groups are one call each.
    """

    name = "numpy-tensordot"
    output = "reused"

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights by group, and the output buffer by group with its axes as tensordot returns them."""
        import numpy as np

        p, groups = problem, problem.groups
        y: Array = np.empty(p.output_shape, p.dtype)
        if p.batch == 0:
            return lambda x: y
        nchw = p.layout == "nchw"
        channels, kernels = p.in_channels // groups, p.out_channels // groups
        axis = 1 if nchw else 3
        parts = []
        for group in range(groups):
            rows = weight[group * kernels : (group + 1) * kernels]
            taken = [slice(None)] * 4
            taken[axis] = slice(group * channels, (group + 1) * channels)
            written = [slice(None)] * 4
            written[axis] = slice(group * kernels, (group + 1) * kernels)
            target = y[tuple(written)]
            operand = rows if nchw else np.ascontiguousarray(rows.T)
            parts.append((tuple(taken), operand, target.swapaxes(0, 1) if nchw else target))
        finish = numpy_epilogue(p, bias, y)

        def layer(x: Array) -> Array:
            pixels = read_pixels(p, x)
            for taken, operand, target in parts:
                if nchw:
                    target[...] = np.tensordot(operand, pixels[taken], axes=(1, 1))
                else:
                    target[...] = np.tensordot(pixels[taken], operand, axes=1)
            finish()
            return y

        return layer
