"""What all planted backends compute, but for their mistakes: a pointwise convolution in float64, step by step."""

from __future__ import annotations

import numpy as np

from pointwise_bench import Backend, Problem


def planes(p: Problem, array, dtype=np.float64):
    """``array`` in ``dtype`` as (image, channel, row, column)."""
    return (array if p.layout == "nchw" else array.transpose(0, 3, 1, 2)).astype(dtype)


def in_layout(p: Problem, array):
    """Planes in the problem's layout."""
    return array if p.layout == "nchw" else array.transpose(0, 2, 3, 1)


def laid_out(p: Problem, array):
    """Planes in the problem's layout and dtype."""
    return np.ascontiguousarray(in_layout(p, array)).astype(p.dtype)


def by_group(p: Problem, array):
    """Planes as (image, group, channel of the group, pixel)."""
    return array.reshape(array.shape[0], p.groups, array.shape[1] // p.groups, -1)


def read(p: Problem, array):
    """The pixels that the stride reads."""
    return array[:, :, :: p.stride, :: p.stride]


def summed(p: Problem, x, weight, bias, dtype=np.float64):
    """The sums with the bias, as planes; ``dtype`` is that of the arithmetic."""
    kernels = weight.astype(dtype).reshape(p.groups, p.out_channels // p.groups, -1)
    y = np.matmul(kernels, by_group(p, read(p, planes(p, x, dtype))))
    y = y.reshape(p.batch, p.out_channels, p.out_height, p.out_width)
    return y if bias is None else y + bias.astype(dtype)[:, None, None]


def convolve(p: Problem, x, weight, bias, dtype=np.float64):
    """A correct result, ReLU included, in the problem's layout and dtype."""
    with np.errstate(all="ignore"):
        y = summed(p, x, weight, bias, dtype)
        if p.activation == "relu":
            y = np.maximum(y, 0)
    return laid_out(p, y)


class Convolution(Backend):
    """A correct backend. A mistake is another ``compute``, or another ``prepare``."""

    def prepare(self, problem, weight, bias, threads):
        return lambda x: self.compute(problem, x, weight, bias)

    def compute(self, p, x, weight, bias):
        return convolve(p, x, weight, bias)
