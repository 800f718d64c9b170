"""Plain loops for numba: the formula without any blocking, serial or over numba's threads.

The innermost loop runs along the contiguous axis, so that LLVM vectorises it: pixels in NCHW, output channels in NHWC
(for which the weights are transposed once).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from backends._arrays import read_pixels
from backends.backend import Layer
from backends.problem import Problem

if TYPE_CHECKING:
    from backends.backend import Array

# Allows multiply and add to fuse and nothing else: the full fastmath would assume that NaN and infinity never occur.
FAST_MATH = {"contract"}


def missing_numba() -> str | None:
    """Numba, where it is not installed."""
    from importlib.util import find_spec

    return None if find_spec("numba") else "numba is not installed: python -m pip install numba"


def compiled_layer(problem: Problem, weight: Array, bias: Array | None, *, parallel: bool) -> Layer:
    """The layer, compiled for the problem's dtype and layout, and once more where a stride leaves gaps in rows."""
    import numpy as np

    p = problem
    kernel = _kernels(parallel)[p.layout]
    kernels = np.ascontiguousarray(weight if p.layout == "nchw" else weight.T)
    biases = np.zeros(p.out_channels, p.dtype) if bias is None else bias
    relu = p.activation == "relu"
    y = np.empty(p.output_shape, p.dtype)
    # Where no pixel is skipped, rows are joined into one: a pointwise convolution does not care where a row ends,
    # and a loop over 49 pixels vectorises where seven loops over 7 do not.
    joined = p.stride == 1 and p.layout == "nchw"
    y_seen = y.reshape(p.batch, p.out_channels, 1, p.out_height * p.out_width) if joined else y

    def layer(x: Array) -> Array:
        if joined:
            x = x.reshape(p.batch, p.in_channels, 1, p.height * p.width)
        kernel(read_pixels(p, x), kernels, biases, p.groups, relu, y_seen)
        return y

    # Compilation belongs to preparing. The input is read-only, as the harness's arrays are: numba types that.
    x = np.zeros(p.input_shape, p.dtype)
    x.flags.writeable = False
    layer(x)
    return layer


@cache
def _kernels(parallel: bool) -> dict[str, Any]:
    """The two compiled loops by layout, made on first use because importing numba takes half a second.

    ``parallel`` spreads the outermost loop over numba's threads; without it ``prange`` is ``range``.
    """
    from numba import njit, prange

    compiled = njit(parallel=parallel, fastmath=FAST_MATH, error_model="numpy")

    @compiled  # type: ignore[untyped-decorator]
    def nchw(x: Array, weight: Array, bias: Array, groups: int, relu: bool, y: Array) -> None:
        batch, out_channels, height, width = y.shape
        channels = weight.shape[1]
        kernels = out_channels // groups
        for plane in prange(batch * out_channels):
            n, o = plane // out_channels, plane % out_channels
            first = o // kernels * channels
            for i in range(height):
                for j in range(width):
                    y[n, o, i, j] = bias[o]
                for c in range(channels):
                    w = weight[o, c]
                    for j in range(width):
                        y[n, o, i, j] += w * x[n, first + c, i, j]
                if relu:
                    for j in range(width):
                        if y[n, o, i, j] < 0:  # noqa: PLR1730  # max() would turn NaN into zero
                            y[n, o, i, j] = 0

    @compiled  # type: ignore[untyped-decorator]
    def nhwc(x: Array, weight: Array, bias: Array, groups: int, relu: bool, y: Array) -> None:
        batch, height, width, out_channels = y.shape
        channels = weight.shape[0]
        kernels = out_channels // groups
        for row in prange(batch * height):
            n, i = row // height, row % height
            for j in range(width):
                for o in range(out_channels):
                    y[n, i, j, o] = bias[o]
                for group in range(groups):
                    begin = group * kernels
                    for c in range(channels):
                        value = x[n, i, j, group * channels + c]
                        for o in range(begin, begin + kernels):
                            y[n, i, j, o] += value * weight[c, o]
                if relu:
                    for o in range(out_channels):
                        if y[n, i, j, o] < 0:  # noqa: PLR1730
                            y[n, i, j, o] = 0

    return {"nchw": nchw, "nhwc": nhwc}
