"""NumPy's matmul: a pointwise convolution is a matrix product, and NumPy hands those to its BLAS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends import Backend, Layer, Problem, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class NumpyMatmul(Backend):
    """``np.matmul`` into a buffer that is reused, so that no call pays for fresh pages.

    Calls the BLAS that NumPy was built with (OpenBLAS in the wheels): one GEMM per image and group in NCHW, where
    pixels are the contiguous axis, and one per group over all pixels of the batch in NHWC. Operands are views
    wherever BLAS can take their strides; only a stride above 1 makes NumPy gather the pixels first.
    """

    name = "numpy-matmul"
    output = "reused"

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights by group, the output buffer, and the bias in a shape that broadcasts over the pixels."""
        import numpy as np

        p, groups = problem, problem.groups
        kernels = weight.reshape(groups, p.out_channels // groups, p.in_channels // groups)
        y: Array = np.empty(p.output_shape, p.dtype)
        if p.batch == 0:
            return lambda x: y
        relu = p.activation == "relu"
        by_group: Array  # the output buffer, seen as BLAS writes it
        # An image of one pixel is the same memory in both layouts, and there NHWC is one GEMM over the batch where
        # NCHW would be a matrix-vector product per image. No stride can skip anything in it either.
        one_pixel = p.height == p.width == 1
        pixels_are_rows = p.layout == "nhwc" or one_pixel
        gathers = p.stride != 1 and not one_pixel
        if pixels_are_rows:
            operand: Array = np.ascontiguousarray(kernels.transpose(0, 2, 1))
            by_group = y.reshape(p.pixels, groups, -1).transpose(1, 0, 2)
            addend = None if bias is None else bias.reshape(groups, 1, -1)
        else:
            operand = kernels
            by_group = y.reshape(p.batch, groups, p.out_channels // groups, -1)
            addend = None if bias is None else bias.reshape(groups, -1, 1)

        def layer(x: Array) -> Array:
            columns: Array
            if pixels_are_rows:
                pixels = x[:, :: p.stride, :: p.stride] if gathers else x
                columns = pixels.reshape(p.pixels, groups, p.in_channels // groups).transpose(1, 0, 2)
                np.matmul(columns, operand, out=by_group)
            else:
                pixels = x[:, :, :: p.stride, :: p.stride] if gathers else x
                columns = pixels.reshape(p.batch, groups, p.in_channels // groups, p.out_height * p.out_width)
                np.matmul(operand, columns, out=by_group)
            if addend is not None:
                np.add(by_group, addend, out=by_group)
            if relu:
                np.maximum(y, 0, out=y)
            return y

        return layer
