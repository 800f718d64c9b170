"""NumPy's matmul: a pointwise convolution is a matrix product, and NumPy hands those to its BLAS."""

from __future__ import annotations

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import gradients, halves
from pointwise_bench.backends._shared.arrays import into_buffer, read_pixels
from pointwise_bench.backends.problem import ACTIVATIONS


@register
class NumpyMatmul(Backend):
    """``np.matmul`` into a buffer that is reused, so that no call pays for fresh pages.

    Calls the BLAS that NumPy was built with (OpenBLAS in the wheels): one GEMM per image and group in NCHW, where
    pixels are the contiguous axis, and one per group over all pixels of the batch in NHWC. Operands are views
    wherever BLAS can take their strides; only a stride above 1 makes NumPy gather the pixels first. float16 and
    bfloat16, for which there is no BLAS, are widened to float32 and rounded back in every call.
    """

    name = "numpy-matmul"
    output = "reused"
    dtypes = halves.ALL_DTYPES
    directions = gradients.ALL_DIRECTIONS
    activations = ACTIVATIONS
    adds = True

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The layer of the problem's direction, in float32 inside where the dtype is narrower."""
        if problem.dtype in halves.HALVES:
            return halves.widened(problem, weight, bias, lambda p, w, b: self.prepare(p, w, b, threads))
        if weight is None:
            return _weight_gradient(problem)
        if problem.direction == "backward-input":
            return gradients.input_gradient(problem, weight, _forward)
        return _forward(problem, weight, bias)


def _forward(p: Problem, weight: Array, bias: Array | None) -> Layer:
    """Weights by group and the output buffer, as BLAS takes them."""
    import numpy as np

    groups, channels, matmul = p.groups, p.in_channels // p.groups, np.matmul
    y: Array = np.empty(p.output_shape, p.dtype)
    if p.batch == 0:
        return lambda *inputs: y
    kernels = weight.reshape(groups, -1, channels)
    # An image of one pixel is the same memory in both layouts: one GEMM over the batch, not a product for each image.
    if p.layout == "nhwc" or p.height == p.width == 1:
        by_pixel, operand = (p.pixels, groups, channels), np.ascontiguousarray(kernels.transpose(0, 2, 1))
        rows = y.reshape(p.pixels, groups, -1).transpose(1, 0, 2)
        return into_buffer(p, lambda x: matmul(x.reshape(by_pixel).transpose(1, 0, 2), operand, rows), y, bias)
    by_image: tuple[int, ...] = (p.batch, groups, channels, p.out_height * p.out_width)
    planes: Array = y.reshape(p.batch, groups, p.out_channels // groups, -1)
    if p.batch == groups == 1:
        by_image, kernels, planes = (channels, p.out_height * p.out_width), kernels[0], planes[0, 0]
    return into_buffer(p, lambda x: matmul(kernels, x.reshape(by_image), planes), y, bias)


def _weight_gradient(p: Problem) -> Layer:
    """``dy`` times the transposed ``x``, per image and summed in NCHW, over all pixels at once in NHWC."""
    import numpy as np

    results = halves.buffers(p)
    by_group = results[0].reshape(p.groups, p.out_channels // p.groups, -1)

    def layer(x: Array, dy: Array) -> Array | tuple[Array, ...]:
        rows, columns = gradients.grouped(p, read_pixels(p, x)), gradients.grouped(p, dy)
        if p.layout == "nhwc":
            np.matmul(columns.transpose(1, 2, 0), rows.transpose(1, 0, 2), out=by_group)
        else:
            np.matmul(columns, rows.swapaxes(2, 3)).sum(axis=0, out=by_group)
        if not p.bias:
            return results[0]
        dy.sum(axis=gradients.pixel_axes(p), out=results[1])
        return results

    return layer
