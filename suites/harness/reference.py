"""The oracle: naive, independent of any backend's library, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from backends import Problem

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


def pointwise(problem: Problem, x: Array, weight: Array, bias: Array | None) -> Float64:
    """The forward result in float64, shape ``problem.output_shape``.

    ``x`` has shape ``problem.input_shape``, ``weight`` ``problem.weight_shape``, ``bias`` ``(out_channels,)`` or None.
    Exact when all sums are small integers. NaN and infinity propagate, through the activation too.
    """
    planes = _grouped_planes(problem, x)
    kernels = weight.astype(np.float64).reshape(problem.groups, -1, weight.shape[1])
    # einsum without `optimize` runs NumPy's own C loops. A matmul would be faster and would go through the very BLAS
    # that some contestants call: for float64 problems it would compare a library with itself.
    sums = np.einsum("goc,ngcp->ngop", kernels, planes, optimize=False)
    sums = sums.reshape(problem.batch, problem.out_channels, problem.out_height, problem.out_width)
    if bias is not None:
        sums += bias.astype(np.float64)[:, None, None]
    if problem.activation == "relu":
        np.maximum(sums, 0.0, out=sums)
    return np.ascontiguousarray(sums if problem.layout == "nchw" else sums.transpose(0, 2, 3, 1))


def magnitudes(problem: Problem, x: Array, weight: Array, bias: Array | None) -> Float64:
    """``|W| |X| + |b|`` for every output element: what a rounding error is measured against."""
    sizes = abs(x), abs(weight), None if bias is None else abs(bias)
    return pointwise(problem, *sizes)


def _grouped_planes(problem: Problem, x: Array) -> Float64:
    """The pixels that the stride reads, as (batch, groups, channels of a group, pixels) in float64."""
    planes = x if problem.layout == "nchw" else x.transpose(0, 3, 1, 2)
    read = planes[:, :, :: problem.stride, :: problem.stride].astype(np.float64)
    pixels = problem.out_height * problem.out_width
    return read.reshape(problem.batch, problem.groups, problem.in_channels // problem.groups, pixels)
