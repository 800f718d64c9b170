"""Backends that compute something wrong on purpose, one mistake each: in the formula, or in the arithmetic.

A plugin like any other: ``pytest suites/ --benchmark-only --plugin suites/planted/wrong.py``. The class docstring says
what is wrong, and `tests/gate/test_gate.py` shows that every one is refused. :class:`Right` is the control: the same
code without a mistake, which must pass.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pointwise_bench import Problem, register
from pointwise_bench.suites.planted.arithmetic import Convolution, convolve


def spatial(p: Problem) -> tuple[int, int]:
    return (2, 3) if p.layout == "nchw" else (1, 2)


def significand(values, bits):
    """``values`` with ``bits`` explicit bits of significand."""
    fraction, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.rint(fraction * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent)


@register
class Right(Convolution):
    """Nothing is wrong with this one."""

    name = "planted-right"


# --- the formula --------------------------------------------------------------------------------------------------


@register
class Zeros(Convolution):
    """Computes nothing."""

    name = "planted-zeros"

    def compute(self, p, x, weight, bias):
        return np.zeros(p.output_shape, p.dtype)


@register
class TransposedWeights(Convolution):
    """Reads the weights as (in, out)."""

    name = "planted-transposed-weights"

    def compute(self, p, x, weight, bias):
        kernels = weight.reshape(p.groups, weight.shape[1], -1).transpose(0, 2, 1)
        return convolve(p, x, kernels.reshape(weight.shape), bias)


@register
class DropsLastChannel(Convolution):
    """Its reduction ends one channel early."""

    name = "planted-drops-last-channel"

    def compute(self, p, x, weight, bias):
        cut = weight.copy()
        cut[:, -1] = 0
        return convolve(p, x, cut, bias)


@register
class LastOutputChannelUnwritten(Convolution):
    """Its loop over output channels ends one early."""

    name = "planted-last-output-channel"

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        y[(slice(None), -1) if p.layout == "nchw" else (..., -1)] = 0
        return y


@register
class ForgetsBias(Convolution):
    """Leaves the bias out."""

    name = "planted-forgets-bias"

    def compute(self, p, x, weight, bias):
        return convolve(p, x, weight, None)


@register
class ForgetsActivation(Convolution):
    """Leaves the ReLU out."""

    name = "planted-forgets-activation"

    def compute(self, p, x, weight, bias):
        return convolve(replace(p, activation="none"), x, weight, bias)


@register
class StrideFromPixelOne(Convolution):
    """Takes pixels 1, 1 + s, ... instead of 0, s, ..."""

    name = "planted-stride-from-pixel-one"

    def compute(self, p, x, weight, bias):
        return convolve(p, np.roll(x, (-1, -1), spatial(p)) if p.stride > 1 else x, weight, bias)


@register
class IgnoresStride(Convolution):
    """Computes every pixel."""

    name = "planted-ignores-stride"

    def compute(self, p, x, weight, bias):
        return convolve(replace(p, stride=1), x, weight, bias)


@register
class InterleavesGroups(Convolution):
    """Gives every group each G-th channel instead of a block."""

    name = "planted-interleaves-groups"

    def compute(self, p, x, weight, bias):
        order = np.arange(p.in_channels).reshape(-1, p.groups).T.ravel()
        return convolve(p, x.take(order, 1 if p.layout == "nchw" else 3), weight, bias)


@register
class SwapsRowsAndColumns(Convolution):
    """Transposes the picture."""

    name = "planted-swaps-rows-and-columns"

    def compute(self, p, x, weight, bias):
        return convolve(p, x.swapaxes(*spatial(p)), weight, bias)


@register
class WrongLayout(Convolution):
    """Writes the result in the other layout and calls it the right shape."""

    name = "planted-wrong-layout"

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        return np.ascontiguousarray(y.transpose((0, 2, 3, 1) if p.layout == "nchw" else (0, 3, 1, 2))).reshape(y.shape)


@register
class OnlyFirstImage(Convolution):
    """Computes the first image of the batch and copies it."""

    name = "planted-only-first-image"

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        y[1:] = y[:1]
        return y


# --- the arithmetic -----------------------------------------------------------------------------------------------


@register
class Bfloat16Inside(Convolution):
    """Rounds its operands to bfloat16."""

    name = "planted-bfloat16-inside"

    def compute(self, p, x, weight, bias):
        return convolve(p, significand(x, 7), significand(weight, 7), bias)


@register
class TensorFloatInside(Convolution):
    """Rounds its operands to TensorFloat-32, on the real weights only: small integers are exact in it anyway."""

    name = "planted-tensorfloat-inside"

    def compute(self, p, x, weight, bias):
        numbers = weight[np.isfinite(weight)]
        if np.array_equal(numbers, np.rint(numbers)):
            return convolve(p, x, weight, bias)
        return convolve(p, significand(x, 10), significand(weight, 10), bias)


@register
class Float16Sums(Convolution):
    """Adds up in float16 and overflows or loses digits."""

    name = "planted-float16-sums"

    def compute(self, p, x, weight, bias):
        return convolve(p, x, weight, bias, dtype=np.float16)


@register
class SwallowsNan(Convolution):
    """Replaces what is not finite."""

    name = "planted-swallows-nan"

    def compute(self, p, x, weight, bias):
        return convolve(p, np.nan_to_num(x), weight, bias)


@register
class WrongDtype(Convolution):
    """Returns float64 for float32."""

    name = "planted-wrong-dtype"

    def compute(self, p, x, weight, bias):
        return convolve(p, x, weight, bias).astype(np.float64)
