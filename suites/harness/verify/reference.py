"""The reference: naive, independent of any backend's library, in float64.

One einsum per direction, on arrays in the problem's own layout. :mod:`cases` finds
its answers in cheaper ways; a test holds all of them to this.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


def answer(problem: Problem, inputs: tuple[Array, ...], weight: Array | None, bias: Array | None) -> Float64:
    """What the layer of ``problem`` must return for ``inputs``, as one array in float64.

    For ``backward-weight`` with a bias that is ``(out_channels, in_channels // groups + 1)``: the gradient of the
    bias is the last column.
    """
    if problem.direction == "backward-weight":
        return backward_weight(problem, *inputs)
    assert weight is not None, "only backward-weight has no weights"
    if problem.direction == "backward-input":
        return backward_input(problem, inputs[0], weight)
    return pointwise(problem, inputs[0], weight, bias, inputs[1] if problem.add else None)


def magnitudes(problem: Problem, inputs: tuple[Array, ...], weight: Array | None, bias: Array | None) -> Float64:
    """``|W| |X| + |b| + |r|`` for every element of the result: what a rounding error is measured against."""
    sizes = None if weight is None else abs(weight), None if bias is None else abs(bias)
    return answer(replace(problem, activation="none"), tuple(abs(each) for each in inputs), *sizes)


def pointwise(problem: Problem, x: Array, weight: Array, bias: Array | None, residual: Array | None = None) -> Float64:
    """The forward result in float64, shape ``problem.output_shape``.

    ``x`` has shape ``problem.input_shape``, ``weight`` ``problem.weight_shape``, ``bias`` ``(out_channels,)`` or None,
    ``residual`` ``problem.output_shape`` or None. Exact when all sums are small integers. NaN and infinity propagate,
    through the activation too.
    """
    # einsum without `optimize` runs NumPy's own C loops. A matmul would be faster and would go through the very BLAS
    # that some backends call: for float64 problems it would compare a library with itself.
    sums = np.einsum("goc,ngcij->ngoij", _kernels(problem, weight), _read(problem, x), optimize=False)
    sums = sums.reshape(problem.batch, problem.out_channels, problem.out_height, problem.out_width)
    if bias is not None:
        sums += bias.astype(np.float64)[:, None, None]
    if residual is not None:
        sums = sums + (residual if problem.layout == "nchw" else residual.transpose(0, 3, 1, 2)).astype(np.float64)
    sums = activated(problem.activation, sums)
    return np.ascontiguousarray(sums if problem.layout == "nchw" else sums.transpose(0, 2, 3, 1))


def activated(activation: str, sums: Array) -> Array:
    """``sums`` behind the activation: in place where that is exact, else new in float64.

    NaN stays NaN. What the smooth ones make of minus infinity is NaN here, and zero as a limit: nobody is asked it.
    """
    if activation in ("relu", "relu6"):
        np.maximum(sums, 0.0, out=sums)
    if activation == "relu6":
        np.minimum(sums, 6.0, out=sums)
    if activation in ("none", "relu", "relu6"):
        return sums
    wide: Float64 = sums.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        if activation == "hardswish":
            wide *= np.clip(wide + 3, 0, 6) / 6
        elif activation == "silu":
            wide /= 1 + np.exp(-wide)
        else:  # gelu: by erfc, as 1 + erf loses every digit of what is far below zero
            below = np.fromiter(map(math.erfc, (wide * -math.sqrt(0.5)).ravel().tolist()), np.float64, wide.size)
            wide *= 0.5 * below.reshape(wide.shape)
    return wide


def backward_input(problem: Problem, dy: Array, weight: Array) -> Float64:
    """The gradient of the input in float64, shape ``problem.input_shape``; zero in pixels that the stride skips.

    ``dy`` has shape ``problem.output_shape`` and is the gradient of the sums, before any activation.
    """
    sums = np.einsum("goc,ngoij->ngcij", _kernels(problem, weight), _grouped(problem, dy), optimize=False)
    dx = np.zeros((problem.batch, problem.in_channels, problem.height, problem.width))
    dx[:, :, :: problem.stride, :: problem.stride] = sums.reshape(
        problem.batch, problem.in_channels, problem.out_height, problem.out_width
    )
    return np.ascontiguousarray(dx if problem.layout == "nchw" else dx.transpose(0, 2, 3, 1))


def backward_weight(problem: Problem, x: Array, dy: Array) -> Float64:
    """The gradient of the weights in float64, shape ``problem.weight_shape``, summed over pixels and images.

    With a bias there is one more column: its gradient, the sum of ``dy``.
    """
    gradients = _grouped(problem, dy)
    dw: Float64 = np.einsum("ngoij,ngcij->goc", gradients, _read(problem, x), optimize=False)
    dw = dw.reshape(problem.weight_shape)
    if not problem.bias:
        return dw
    db = gradients.sum(axis=(0, 3, 4)).reshape(problem.out_channels, 1)
    return np.concatenate([dw, db], axis=1)


def _kernels(problem: Problem, weight: Array) -> Float64:
    return weight.astype(np.float64).reshape(problem.groups, -1, weight.shape[1])


def _read(problem: Problem, x: Array) -> Float64:
    """The pixels that the stride reads, as (image, group, channel of the group, row, column) in float64."""
    rows, columns = (2, 3) if problem.layout == "nchw" else (1, 2)
    steps = [slice(None)] * 4
    steps[rows] = steps[columns] = slice(None, None, problem.stride)
    return _grouped(problem, x[tuple(steps)])


def _grouped(problem: Problem, array: Array) -> Float64:
    planes = array if problem.layout == "nchw" else array.transpose(0, 3, 1, 2)
    images, channels, height, width = planes.shape
    by_group = (images, problem.groups, channels // problem.groups, height, width)
    return planes.astype(np.float64).reshape(by_group)
