"""The three directions of a problem as one matrix product, so that a case is drawn and answered in one way.

In every direction, with ``n`` images, ``g`` groups, ``m`` rows, ``k`` terms and ``p`` columns::

    result[n, g, m, p] = sum_k left[g, m, k] * right[n, g, k, p]

===============  ==================  ==================  ===============  ===============  ==============
direction        left                right               m                k                p
===============  ==================  ==================  ===============  ===============  ==============
forward          weights             ``x``               output channels  input channels   pixels
backward-input   weights transposed  ``dy``              input channels   output channels  pixels
backward-weight  ``dy``              ``x`` transposed    output channels  pixels of all    input channels
===============  ==================  ==================  ===============  ===============  ==============

Channels are those of one group and pixels those that the stride reads. ``backward-weight`` has one "image". The
gradient of the bias is its last column: the one that belongs to an input channel of ones.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.common.cores import available_cores

Array = npt.NDArray[Any]

FEW_COLUMNS = 128  # below this, an inner loop along the columns is too short to be fast
WORTH_A_THREAD = 1_000_000  # multiply-adds; below this, starting threads takes longer than the work


@dataclass(frozen=True)
class Form:
    """The sizes of a problem's matrix product, in the order of its axes."""

    images: int
    groups: int
    rows: int
    terms: int
    columns: int

    @classmethod
    def of(cls, p: Problem) -> Form:
        """The form of ``p``; the column of a bias gradient is not counted."""
        outs, ins, pixels = p.out_channels // p.groups, p.in_channels // p.groups, p.out_height * p.out_width
        if p.direction == "backward-weight":
            return cls(1, p.groups, outs, p.pixels, ins)
        rows, terms = (outs, ins) if p.direction == "forward" else (ins, outs)
        return cls(p.batch, p.groups, rows, terms, pixels)

    @property
    def left(self) -> tuple[int, int, int]:
        """Shape of the left operand."""
        return (self.groups, self.rows, self.terms)

    @property
    def right(self) -> tuple[int, int, int, int]:
        """Shape of the right operand."""
        return (self.images, self.groups, self.terms, self.columns)


def product(left: Array, right: Array, dtype: type[np.floating[Any]]) -> Array:
    """``result[n, g, m, p]``, operands and sums in ``dtype``, on all cores.

    einsum without ``optimize`` runs NumPy's own C loops. A matmul would be faster and would go through the very BLAS
    that some backends call: for float64 problems it would compare a library with itself.
    """
    left, right = left.astype(dtype, copy=False), right.astype(dtype, copy=False)
    images, groups, _, columns = right.shape
    rows = left.shape[1]
    if columns < FEW_COLUMNS:  # einsum's inner loop then runs along the terms
        right = np.ascontiguousarray(right.swapaxes(2, 3)).swapaxes(2, 3)
    result = np.empty((images, groups, rows, columns), dtype)

    def fill(part: slice) -> None:
        np.einsum("gmk,ngkp->ngmp", left[:, part], right, out=result[:, :, part], optimize=False)

    threads = min(available_cores(), rows) if rows * right.size > WORTH_A_THREAD else 1
    if threads == 1:
        fill(slice(None))
    else:  # einsum lets go of the interpreter's lock
        edges = [rows * part // threads for part in range(threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, map(slice, edges, edges[1:])))
    return result


def weight_of(p: Problem, left: Array) -> Array:
    """The weights, shape ``p.weight_shape``, that are the left operand of ``forward`` or ``backward-input``."""
    kernels = left if p.direction == "forward" else left.transpose(0, 2, 1)
    return np.ascontiguousarray(kernels.reshape(p.weight_shape))


def right_input(p: Problem, right: Array, skipped: Array | float) -> Array:
    """The layer's input that is the right operand: ``x``, or ``dy`` in ``backward-input``, in the problem's layout.

    ``skipped``, which broadcasts to ``p.input_shape``, is what stands in the pixels that the stride skips.
    """
    if p.direction == "backward-input":
        return _laid_out(p, right.reshape(p.batch, p.out_channels, p.out_height, p.out_width))
    read = right
    if p.direction == "backward-weight":
        read = right.reshape(p.groups, p.batch, p.out_height * p.out_width, right.shape[3]).transpose(1, 0, 3, 2)
    read = read.reshape(p.batch, p.in_channels, p.out_height, p.out_width)
    if p.stride == 1:
        return _laid_out(p, read)
    x = np.empty(p.input_shape, right.dtype)
    x[...] = skipped
    _planes(p, x)[:, :, :: p.stride, :: p.stride] = read
    return x


def left_input(p: Problem, left: Array) -> Array:
    """``dy`` in the problem's layout: the left operand of ``backward-weight``."""
    dy = left.reshape(p.groups, left.shape[1], p.batch, p.out_height, p.out_width).transpose(2, 0, 1, 3, 4)
    return _laid_out(p, dy.reshape(p.batch, p.out_channels, p.out_height, p.out_width))


def arranged(p: Problem, result: Array) -> Array:
    """The product in the shape that :func:`reference.answer` has for this direction."""
    if p.direction == "forward":
        return _laid_out(p, result.reshape(p.batch, p.out_channels, p.out_height, p.out_width))
    if p.direction == "backward-weight":
        return result.reshape(p.out_channels, -1)
    planes = result.reshape(p.batch, p.in_channels, p.out_height, p.out_width)
    if p.stride == 1:
        return _laid_out(p, planes)
    dx = np.zeros(p.input_shape, result.dtype)
    _planes(p, dx)[:, :, :: p.stride, :: p.stride] = planes
    return dx


def _laid_out(p: Problem, planes: Array) -> Array:
    return np.ascontiguousarray(planes if p.layout == "nchw" else planes.transpose(0, 2, 3, 1))


def _planes(p: Problem, array: Array) -> Array:
    """``array`` as a view in (image, channel, row, column) order."""
    return array if p.layout == "nchw" else array.transpose(0, 3, 1, 2)
