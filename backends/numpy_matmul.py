"""NumPy's matmul: a pointwise convolution is a matrix product, and NumPy hands those to its BLAS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backends import Backend, Layer, Problem, register

if TYPE_CHECKING:
    from backends.backend import Array


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
    dtypes = ("float32", "float64", "float16", "bfloat16")
    directions = ("forward", "backward-input", "backward-weight")

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The layer of the problem's direction, in float32 inside where the dtype is narrower."""
        import numpy as np

        if problem.dtype in ("float16", "bfloat16"):
            weight, bias = (None if each is None else each.astype(np.float32) for each in (weight, bias))
            return _rounded(problem, self.prepare(replace(problem, dtype="float32"), weight, bias, threads))
        if weight is None:
            return _backward_weight(problem)
        return _forward(problem, weight, bias) if problem.direction == "forward" else _backward_input(problem, weight)


def _forward(problem: Problem, weight: Array, bias: Array | None) -> Layer:
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


def _backward_input(p: Problem, weight: Array) -> Layer:
    """The transposed weights times ``dy``. What the stride skips is zero from the beginning and never written."""
    import numpy as np

    kernels = weight.reshape(p.groups, p.out_channels // p.groups, -1)
    dx: Array = np.zeros(p.input_shape, p.dtype)
    read = dx[:, :: p.stride, :: p.stride] if p.layout == "nhwc" else dx[:, :, :: p.stride, :: p.stride]

    def layer(dy: Array) -> Array:
        if p.layout == "nhwc":
            by_group = np.matmul(dy.reshape(p.pixels, p.groups, -1).transpose(1, 0, 2), kernels).transpose(1, 0, 2)
        else:
            columns = dy.reshape(p.batch, p.groups, p.out_channels // p.groups, -1)
            by_group = np.matmul(kernels.transpose(0, 2, 1), columns)
        read[...] = by_group.reshape(read.shape)
        return dx

    return layer if p.batch else lambda dy: dx


def _backward_weight(p: Problem) -> Layer:
    """``dy`` times the transposed ``x``, per image and summed in NCHW, over all pixels at once in NHWC."""
    import numpy as np

    outs, ins, pixels = p.out_channels // p.groups, p.in_channels // p.groups, p.out_height * p.out_width
    results = _results(p)
    by_group = results[0].reshape(p.groups, outs, ins)

    def layer(x: Array, dy: Array) -> Array | tuple[Array, ...]:
        rows: Array
        if p.layout == "nhwc":
            rows = x[:, :: p.stride, :: p.stride].reshape(p.pixels, p.groups, ins).transpose(1, 0, 2)
            np.matmul(dy.reshape(p.pixels, p.groups, outs).transpose(1, 2, 0), rows, out=by_group)
        else:
            rows = x[:, :, :: p.stride, :: p.stride].reshape(p.batch, p.groups, ins, pixels).swapaxes(2, 3)
            np.matmul(dy.reshape(p.batch, p.groups, outs, pixels), rows).sum(axis=0, out=by_group)
        if not p.bias:
            return results[0]
        dy.sum(axis=(0, 1, 2) if p.layout == "nhwc" else (0, 2, 3), out=results[1])
        return results

    return layer


def _rounded(p: Problem, layer: Layer) -> Layer:
    """``layer``, which works in float32, for arrays of the problem's own dtype."""
    import numpy as np

    results = _results(p)

    def rounded(*inputs: Array) -> Array | tuple[Array, ...]:
        wide = layer(*(each.astype(np.float32) for each in inputs))
        for mine, its in zip(results, wide if isinstance(wide, tuple) else (wide,), strict=True):
            mine[...] = its
        return results if len(results) > 1 else results[0]

    return rounded


def _results(p: Problem) -> tuple[Array, ...]:
    """Buffers of what the layer returns."""
    import numpy as np

    shapes: dict[str, list[tuple[int, ...]]] = {
        "forward": [p.output_shape],
        "backward-input": [p.input_shape],
        "backward-weight": [p.weight_shape, (p.out_channels,)][: 1 + p.bias],
    }
    return tuple(np.empty(shape, p.dtype) for shape in shapes[p.direction])
