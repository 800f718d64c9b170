"""Backends whose gradients, or whose half precision, are wrong on purpose, one mistake each.

A plugin like :mod:`wrong`, for the problems that go backward or are float16 or bfloat16. The class
docstring says what is wrong. :class:`RightGradient` is the control: the same code without a mistake, which must pass.
"""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np

from pointwise_bench import Backend, register
from pointwise_bench.suites.planted.arithmetic import by_group, laid_out, planes, read, summed

DIRECTIONS = ("forward", "backward-input", "backward-weight")
DTYPES = ("float32", "float64", "float16", "bfloat16")


@register
class RightGradient(Backend):
    """Nothing is wrong with this one."""

    name = "planted-right-gradient"
    directions = DIRECTIONS
    dtypes = DTYPES

    def prepare(self, problem, weight, bias, threads):
        p = problem
        if p.direction == "backward-weight":
            return lambda x, dy: self.of_weight(p, x, dy)
        if p.direction == "backward-input":
            return lambda dy: self.of_input(p, dy, weight)
        return lambda x: self.forward(p, x, weight, bias)

    def forward(self, p, x, weight, bias):
        with np.errstate(all="ignore"):
            y = summed(p, x, weight, bias)
            return self.store(p, np.maximum(y, 0) if p.activation == "relu" else y)

    def store(self, p, y):
        return laid_out(p, y)

    def of_input(self, p, dy, weight):
        return laid_out(p, self.spread(p, self.at_read_pixels(p, dy, weight)))

    def at_read_pixels(self, p, dy, weight):
        kernels = weight.astype(np.float64).reshape(p.groups, -1, weight.shape[1])
        with np.errstate(all="ignore"):
            dx = np.matmul(kernels.transpose(0, 2, 1), by_group(p, planes(p, dy)))
        return dx.reshape(p.batch, p.in_channels, p.out_height, p.out_width)

    def spread(self, p, gradients):
        dx = np.zeros((p.batch, p.in_channels, p.height, p.width))
        dx[:, :, :: p.stride, :: p.stride] = gradients
        return dx

    def of_weight(self, p, x, dy):
        dy = planes(p, dy)
        with np.errstate(all="ignore"):
            dw = np.einsum("ngop,ngcp->goc", by_group(p, dy), by_group(p, read(p, planes(p, x))))
        dw = dw.reshape(p.weight_shape).astype(p.dtype)
        return (dw, dy.sum(axis=(0, 2, 3)).astype(p.dtype)) if p.bias else dw


# --- the gradient of the input ------------------------------------------------------------------------------------


@register
class UntransposedWeights(RightGradient):
    """Multiplies with the weights of the forward direction."""

    name = "planted-untransposed-weights"

    def at_read_pixels(self, p, dy, weight):
        kernels = weight.reshape(p.groups, -1, weight.shape[1]).transpose(0, 2, 1)
        return super().at_read_pixels(p, dy, kernels.reshape(weight.shape))


@register
class SideBySide(RightGradient):
    """Ignores the stride: the gradients stand side by side in a corner of the picture."""

    name = "planted-side-by-side"

    def spread(self, p, gradients):
        dx = np.zeros((p.batch, p.in_channels, p.height, p.width))
        dx[:, :, : p.out_height, : p.out_width] = gradients
        return dx


@register
class ToPixelOne(RightGradient):
    """Writes to pixels 1, 1 + s, ... instead of 0, s, ..."""

    name = "planted-to-pixel-one"

    def spread(self, p, gradients):
        return np.roll(super().spread(p, gradients), (1, 1), (2, 3))


@register
class ToNeighbours(RightGradient):
    """Repeats each gradient over the pixels that the stride skips."""

    name = "planted-to-neighbours"

    def spread(self, p, gradients):
        repeated = gradients.repeat(p.stride, 2).repeat(p.stride, 3)
        return repeated[:, :, : p.height, : p.width]


@register
class SkippedNotZeroed(RightGradient):
    """Leaves in the pixels that the stride skips what was there before."""

    name = "planted-skipped-not-zeroed"

    def spread(self, p, gradients):
        dx = np.full((p.batch, p.in_channels, p.height, p.width), 1e-3)
        dx[:, :, :: p.stride, :: p.stride] = gradients
        return dx


@register
class AddsUpInputGradients(RightGradient):
    """Adds to its buffer and never clears it."""

    name = "planted-adds-up-input-gradients"
    output = "reused"

    def prepare(self, problem, weight, bias, threads):
        dx = np.zeros(problem.input_shape, problem.dtype)

        def layer(dy):
            dx[...] += self.of_input(problem, dy, weight)
            return dx

        return layer


# --- the gradient of the weights ----------------------------------------------------------------------------------


class OfWeight(RightGradient):
    """Where the mistake is in the weights' gradient alone: ``change`` makes it."""

    name = "planted-of-weight"

    def of_weight(self, p, x, dy):
        result = super().of_weight(p, x, dy)
        dw, db = result if p.bias else (result, None)
        dw = self.change(p, dw).astype(p.dtype)
        return (dw, db) if p.bias else dw


@register
class TransposedGradient(OfWeight):
    """Returns (in, out) instead of (out, in)."""

    name = "planted-transposed-gradient"

    def change(self, p, dw):
        return dw.reshape(p.groups, -1, dw.shape[1]).transpose(0, 2, 1).reshape(dw.shape)


@register
class AddsUpWeightGradients(RightGradient):
    """Adds to its buffers and never clears them, as an optimiser would want it."""

    name = "planted-adds-up-weight-gradients"
    output = "reused"

    def prepare(self, problem, weight, bias, threads):
        total = np.zeros(problem.weight_shape, problem.dtype), np.zeros(problem.out_channels, problem.dtype)

        def layer(x, dy):
            for buffer, part in zip(total, self.of_weight(problem, x, dy), strict=True):
                buffer[...] += part
            return total

        return layer


@register
class ForgetsBiasGradient(RightGradient):
    """Returns the weights' gradient alone."""

    name = "planted-forgets-bias-gradient"

    def of_weight(self, p, x, dy):
        return super().of_weight(replace(p, bias=False), x, dy)


@register
class BiasGradientUnwritten(RightGradient):
    """Returns zeros for the bias' gradient."""

    name = "planted-bias-gradient-unwritten"

    def of_weight(self, p, x, dy):
        dw, db = super().of_weight(p, x, dy)
        return dw, np.zeros_like(db)


@register
class BiasGradientOfOneImage(RightGradient):
    """Sums the bias' gradient over the first image only."""

    name = "planted-bias-gradient-of-one-image"

    def of_weight(self, p, x, dy):
        dw, _ = super().of_weight(p, x, dy)
        return dw, planes(p, dy)[0].sum(axis=(1, 2)).astype(p.dtype)


@register
class GradientOfOneImage(RightGradient):
    """Does not sum over the batch."""

    name = "planted-gradient-of-one-image"

    def of_weight(self, p, x, dy):
        return super().of_weight(replace(p, batch=1), x[:1], dy[:1])


@register
class AveragesTheBatch(RightGradient):
    """Divides by the size of the batch."""

    name = "planted-averages-the-batch"

    def of_weight(self, p, x, dy):
        return tuple((part / p.batch).astype(p.dtype) for part in super().of_weight(p, x, dy))


@register
class GradientFromPixelOne(RightGradient):
    """Reads pixels 1, 1 + s, ... of ``x`` instead of 0, s, ..."""

    name = "planted-gradient-from-pixel-one"

    def of_weight(self, p, x, dy):
        return super().of_weight(p, np.roll(x, (-1, -1), (2, 3) if p.layout == "nchw" else (1, 2)), dy)


@register
class GradientOfTheCorner(RightGradient):
    """Ignores the stride: reads the first rows and columns of ``x``."""

    name = "planted-gradient-of-the-corner"

    def of_weight(self, p, x, dy):
        corner = planes(p, x)[:, :, : p.out_height, : p.out_width]
        moved = np.zeros((p.batch, p.in_channels, p.height, p.width))
        moved[:, :, :: p.stride, :: p.stride] = corner
        return super().of_weight(p, laid_out(p, moved), dy)


@register
class SwallowsNanOfGradient(RightGradient):
    """Replaces what is not finite in ``dy``."""

    name = "planted-swallows-nan-of-gradient"

    def of_weight(self, p, x, dy):
        return super().of_weight(p, x, np.nan_to_num(dy.astype(np.float64)).astype(p.dtype))


@register
class WritesToTheGradient(RightGradient):
    """Changes ``dy`` once it has used it."""

    name = "planted-writes-to-the-gradient"

    def of_weight(self, p, x, dy):
        result = super().of_weight(p, x, dy)
        np.frombuffer((np.ctypeslib.ctypes.c_byte * dy.nbytes).from_address(dy.ctypes.data), dy.dtype)[0] += 1
        return result


# --- half precision -----------------------------------------------------------------------------------------------


@register
class HalfSums(RightGradient):
    """Rounds every partial sum to the problem's half precision."""

    name = "planted-half-sums"

    def forward(self, p, x, weight, bias):
        columns = by_group(p, read(p, planes(p, x)))
        kernels = weight.astype(np.float64).reshape(p.groups, -1, weight.shape[1])
        y = np.zeros((p.batch, p.groups, kernels.shape[1], columns.shape[3]), p.dtype)
        with np.errstate(all="ignore"):
            for c in range(kernels.shape[2]):
                y = (y.astype(np.float64) + kernels[:, :, c, None] * columns[:, :, None, c]).astype(p.dtype)
        return laid_out(p, y.reshape(p.batch, p.out_channels, p.out_height, p.out_width))


@register
class Truncates(RightGradient):
    """Cuts the digits that do not fit off instead of rounding."""

    name = "planted-truncates"

    def store(self, p, y):
        bits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}[p.dtype]
        fraction, exponent = np.frexp(y)
        with np.errstate(all="ignore"):
            return laid_out(
                p, np.where(np.isfinite(y), np.ldexp(np.trunc(fraction * 2.0**bits) / 2.0**bits, exponent), y)
            )


@register
class CoarserInside(RightGradient):
    """Rounds its operands to the next coarser type."""

    name = "planted-coarser-inside"

    def forward(self, p, x, weight, bias):
        coarser = {"float16": ml_dtypes.bfloat16, "bfloat16": ml_dtypes.float8_e4m3}[p.dtype]
        return super().forward(p, x.astype(coarser), weight.astype(coarser), bias)


@register
class DropsLastChannelOfMany(RightGradient):
    """Its reduction ends one channel early."""

    name = "planted-drops-last-of-many"

    def forward(self, p, x, weight, bias):
        cut = weight.copy()
        cut[:, -1] = 0
        return super().forward(p, x, cut, bias)
