"""NumPy's einsum, told to optimise: the convolution as the formula that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends import Backend, Layer, Problem, register
from backends._arrays import numpy_epilogue, read_pixels

if TYPE_CHECKING:
    from backends.backend import Array


@register
class NumpyEinsum(Backend):
    """``np.einsum(..., out=y, optimize=path)``, the path found once by ``np.einsum_path``, as its manual advises.

    With a path einsum rewrites two operands as one ``np.matmul`` (from NumPy 2.4 on; ``tensordot`` before), and that
    calls the BLAS that NumPy was built with; without one it would run loops of its own. The subscripts are chosen so
    that no operand has to be transposed: images and groups are a batch axis in NCHW, pixels are rows in NHWC.
    Reading the subscripts costs some 15 us in each call.
    """

    name = "numpy-einsum"
    output = "reused"

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights in the order of the subscripts, the output buffer as einsum writes it, and the path."""
        import numpy as np

        p, groups = problem, problem.groups
        kernels = weight.reshape(groups, p.out_channels // groups, p.in_channels // groups)
        y: Array = np.empty(p.output_shape, p.dtype)
        if p.batch == 0:
            return lambda x: y
        operand: Array
        target: Array
        x_shape: tuple[int, ...]
        if p.layout == "nchw":
            operand = np.tile(kernels, (p.batch, 1, 1))
            x_shape = (p.batch * groups, p.in_channels // groups, p.out_height * p.out_width)
            subscripts = "bcp,boc->bop"
            target = y.reshape(p.batch * groups, p.out_channels // groups, -1)
        elif groups == 1:
            operand = np.ascontiguousarray(weight.T)
            x_shape, subscripts, target = (p.pixels, p.in_channels), "pc,co->po", y.reshape(p.pixels, -1)
        else:
            operand = np.ascontiguousarray(kernels.transpose(0, 2, 1))
            x_shape, subscripts = (p.pixels, groups, p.in_channels // groups), "pgc,gco->pgo"
            target = y.reshape(p.pixels, groups, -1)
        path = np.einsum_path(subscripts, np.empty(x_shape, p.dtype), operand, optimize=True)[0]
        finish = numpy_epilogue(p, bias)

        def layer(x: Array) -> Array:
            np.einsum(subscripts, read_pixels(p, x).reshape(x_shape), operand, out=target, optimize=path)
            finish(y)
            return y

        return layer
