"""Backends that are wrong on purpose, one mistake each. `tests/gate/test_gate.py` shows that every one is refused.

A plugin like any other: ``pytest suites/ --benchmark-only --plugin suites/planted/wrong.py``. The class docstring says
what is wrong. :class:`Right` is the control: the same code without a mistake, which must pass.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np

from pointwise_bench import Backend, Problem, register


def convolve(p: Problem, x, weight, bias, dtype=np.float64):
    """A correct pointwise convolution, in the problem's layout and dtype; ``dtype`` is that of the arithmetic."""
    planes = x if p.layout == "nchw" else x.transpose(0, 3, 1, 2)
    planes = planes[:, :, :: p.stride, :: p.stride].astype(dtype)
    grouped = planes.reshape(p.batch, p.groups, p.in_channels // p.groups, -1)
    kernels = weight.astype(dtype).reshape(p.groups, p.out_channels // p.groups, -1)
    with np.errstate(all="ignore"):
        y = np.matmul(kernels, grouped).reshape(p.batch, p.out_channels, p.out_height, p.out_width)
        if bias is not None:
            y += bias[:, None, None]
        if p.activation == "relu":
            y = np.maximum(y, 0)
    return np.ascontiguousarray(y if p.layout == "nchw" else y.transpose(0, 2, 3, 1)).astype(p.dtype)


def channels_last(p: Problem) -> Problem:
    return replace(p, layout="nhwc" if p.layout == "nchw" else "nchw")


def spatial(p: Problem) -> tuple[int, int]:
    return (2, 3) if p.layout == "nchw" else (1, 2)


def significand(values, bits):
    """``values`` with ``bits`` explicit bits of significand."""
    fraction, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.rint(fraction * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent)


@register
class Right(Backend):
    """Nothing is wrong with this one."""

    name = "planted-right"

    def prepare(self, problem, weight, bias, threads):
        self.problem, self.weight, self.bias = problem, weight, bias
        return lambda x: self.compute(problem, x, weight, bias)

    def compute(self, p, x, weight, bias):
        return convolve(p, x, weight, bias)


# --- the formula --------------------------------------------------------------------------------------------------


@register
class Zeros(Right):
    """Computes nothing."""

    name = "planted-zeros"

    def compute(self, p, x, weight, bias):
        return np.zeros(p.output_shape, p.dtype)


@register
class TransposedWeights(Right):
    """Reads the weights as (in, out)."""

    name = "planted-transposed-weights"

    def compute(self, p, x, weight, bias):
        kernels = weight.reshape(p.groups, weight.shape[1], -1).transpose(0, 2, 1)
        return convolve(p, x, kernels.reshape(weight.shape), bias)


@register
class DropsLastChannel(Right):
    """Its reduction ends one channel early."""

    name = "planted-drops-last-channel"

    def compute(self, p, x, weight, bias):
        cut = weight.copy()
        cut[:, -1] = 0
        return convolve(p, x, cut, bias)


@register
class LastOutputChannelUnwritten(Right):
    """Its loop over output channels ends one early."""

    name = "planted-last-output-channel"

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        y[(slice(None), -1) if p.layout == "nchw" else (..., -1)] = 0
        return y


@register
class ForgetsBias(Right):
    """Leaves the bias out."""

    name = "planted-forgets-bias"

    def compute(self, p, x, weight, bias):
        return convolve(p, x, weight, None)


@register
class ForgetsActivation(Right):
    """Leaves the ReLU out."""

    name = "planted-forgets-activation"

    def compute(self, p, x, weight, bias):
        return convolve(replace(p, activation="none"), x, weight, bias)


@register
class StrideFromPixelOne(Right):
    """Takes pixels 1, 1 + s, ... instead of 0, s, ..."""

    name = "planted-stride-from-pixel-one"

    def compute(self, p, x, weight, bias):
        return convolve(p, np.roll(x, (-1, -1), spatial(p)) if p.stride > 1 else x, weight, bias)


@register
class IgnoresStride(Right):
    """Computes every pixel."""

    name = "planted-ignores-stride"

    def compute(self, p, x, weight, bias):
        return convolve(replace(p, stride=1), x, weight, bias)


@register
class InterleavesGroups(Right):
    """Gives every group each G-th channel instead of a block."""

    name = "planted-interleaves-groups"

    def compute(self, p, x, weight, bias):
        order = np.arange(p.in_channels).reshape(-1, p.groups).T.ravel()
        return convolve(p, x.take(order, 1 if p.layout == "nchw" else 3), weight, bias)


@register
class SwapsRowsAndColumns(Right):
    """Transposes the picture."""

    name = "planted-swaps-rows-and-columns"

    def compute(self, p, x, weight, bias):
        return convolve(p, x.swapaxes(*spatial(p)), weight, bias)


@register
class WrongLayout(Right):
    """Writes the result in the other layout and calls it the right shape."""

    name = "planted-wrong-layout"

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        return np.ascontiguousarray(y.transpose((0, 2, 3, 1) if p.layout == "nchw" else (0, 3, 1, 2))).reshape(y.shape)


@register
class OnlyFirstImage(Right):
    """Computes the first image of the batch and copies it."""

    name = "planted-only-first-image"

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        y[1:] = y[:1]
        return y


# --- the arithmetic -----------------------------------------------------------------------------------------------


@register
class Bfloat16Inside(Right):
    """Rounds its operands to bfloat16."""

    name = "planted-bfloat16-inside"

    def compute(self, p, x, weight, bias):
        return convolve(p, significand(x, 7), significand(weight, 7), bias)


@register
class TensorFloatInside(Right):
    """Rounds its operands to TensorFloat-32, on the real weights only: small integers are exact in it anyway."""

    name = "planted-tensorfloat-inside"

    def compute(self, p, x, weight, bias):
        numbers = weight[np.isfinite(weight)]
        if np.array_equal(numbers, np.rint(numbers)):
            return convolve(p, x, weight, bias)
        return convolve(p, significand(x, 10), significand(weight, 10), bias)


@register
class Float16Sums(Right):
    """Adds up in float16 and overflows or loses digits."""

    name = "planted-float16-sums"

    def compute(self, p, x, weight, bias):
        return convolve(p, x, weight, bias, dtype=np.float16)


@register
class SwallowsNan(Right):
    """Replaces what is not finite."""

    name = "planted-swallows-nan"

    def compute(self, p, x, weight, bias):
        return convolve(p, np.nan_to_num(x), weight, bias)


@register
class WrongDtype(Right):
    """Returns float64 for float32."""

    name = "planted-wrong-dtype"

    def compute(self, p, x, weight, bias):
        return convolve(p, x, weight, bias).astype(np.float64)


# --- memory -------------------------------------------------------------------------------------------------------


@register
class MutatesInput(Right):
    """Clears the first element of its input once it has used it."""

    name = "planted-mutates-input"

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        np.frombuffer((np.ctypeslib.ctypes.c_byte * x.nbytes).from_address(x.ctypes.data), x.dtype)[0] += 1
        return y


@register
class MutatesDeviceCopy(Right):
    """Clears its own copy of the input, so that the second call on it is wrong."""

    name = "planted-mutates-device-copy"

    def to_device(self, array):
        return array.copy()

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        x[...] = 0
        return y


@register
class ReadsPastTheEnd(Right):
    """Adds the element behind the end of its input."""

    name = "planted-reads-past-the-end"

    def compute(self, p, x, weight, bias):
        longer = np.lib.stride_tricks.as_strided(x.reshape(-1), (x.size + 1,), (x.itemsize,))
        return convolve(p, longer[1:].reshape(x.shape), weight, bias)


@register
class OverwritesEarlierResult(Right):
    """Says that every result is new memory, and reuses one buffer."""

    name = "planted-overwrites-earlier-result"

    def prepare(self, problem, weight, bias, threads):
        buffer = np.empty(problem.output_shape, problem.dtype)

        def layer(x):
            buffer[...] = convolve(problem, x, weight, bias)
            return buffer

        return layer


# --- time ---------------------------------------------------------------------------------------------------------


@register
class ReplaysFirstAnswer(Right):
    """Computes once and returns that answer for ever."""

    name = "planted-replays-first-answer"

    def prepare(self, problem, weight, bias, threads):
        kept = []

        def layer(x):
            if not kept:
                kept.append(convolve(problem, x, weight, bias))
            return kept[0]

        return layer


@register
class ReplaysByIdentity(Right):
    """Remembers the answer to an array by the array's identity."""

    name = "planted-replays-by-identity"
    output = "reused"

    def prepare(self, problem, weight, bias, threads):
        answers = {}

        def layer(x):
            if id(x) not in answers:
                answers[id(x)] = (x, convolve(problem, x, weight, bias))
            return answers[id(x)][1]

        return layer


@register
class ReplaysByContent(Right):
    """Remembers the answer to everything it has seen, by a few of the values: of a copy, which no call changes."""

    name = "planted-replays-by-content"

    def to_device(self, array):
        return array.copy()

    def prepare(self, problem, weight, bias, threads):
        answers = {}

        def layer(x):
            key = x.ravel()[:4].tobytes()
            if key not in answers:
                answers[key] = convolve(problem, x, weight, bias)
            return answers[key].copy()

        return layer


@register
class AnswersThePreviousInput(Right):
    """Returns the result of the call before: a pipeline that is never emptied."""

    name = "planted-answers-previous-input"

    def prepare(self, problem, weight, bias, threads):
        state = [np.zeros(problem.output_shape, problem.dtype)]

        def layer(x):
            state.append(convolve(problem, x, weight, bias))
            return state.pop(0)

        return layer


@register
class WrongAfterAWhile(Right):
    """Is right for the first twenty calls."""

    name = "planted-wrong-after-a-while"

    def prepare(self, problem, weight, bias, threads):
        calls = [0]

        def layer(x):
            calls[0] += 1
            y = convolve(problem, x, weight, bias)
            return y if calls[0] <= 20 else y * 0

        return layer


@register
class Unsynchronised(Right):
    """Works in the background and lets only ``to_numpy`` wait for it; ``sync`` does nothing."""

    name = "planted-unsynchronised"

    def prepare(self, problem, weight, bias, threads):
        def layer(x):
            y = np.empty(problem.output_shape, problem.dtype)

            def work():
                time.sleep(0.02)  # longer than a busy machine takes to come to reading the result
                y[...] = convolve(problem, x, weight, bias)

            thread = threading.Thread(target=work)
            thread.start()
            return thread, y

        return layer

    def to_numpy(self, result):
        thread, y = result
        thread.join()
        return y


@register
class HalfWritten(Right):
    """Returns its buffer while a thread still writes to it, and waits for nothing."""

    name = "planted-half-written"

    def prepare(self, problem, weight, bias, threads):
        def layer(x):
            y = np.zeros(problem.output_shape, problem.dtype)

            def work():
                time.sleep(0.02)  # longer than a busy machine takes to read the result
                y[...] = convolve(problem, x, weight, bias)

            threading.Thread(target=work).start()
            return y

        return layer


@register
class Lazy(Right):
    """Returns a promise; the arithmetic happens in ``to_numpy``, where no clock runs."""

    name = "planted-lazy"

    def prepare(self, problem, weight, bias, threads):
        return lambda x: (problem, x, weight, bias)

    def to_numpy(self, result):
        return convolve(*result)


@register
class BendsNumpy(Right):
    """Makes NumPy find everything equal, as far as its module's attributes reach; computes nothing."""

    name = "planted-bends-numpy"

    def prepare(self, problem, weight, bias, threads):
        np.array_equal = lambda *arguments, **keywords: True
        np.subtract = lambda a, b, **keywords: np.zeros(np.shape(a))
        return super().prepare(problem, weight, bias, threads)

    def compute(self, p, x, weight, bias):
        return np.zeros(p.output_shape, p.dtype)


class Agreeable(np.ndarray):
    """Has whatever shape it is asked for, and no difference to anything."""

    wanted = ()

    @property
    def shape(self):
        return self.wanted

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return np.zeros(1)

    def __array_function__(self, function, types, arguments, keywords):
        return True


@register
class ArrayOfItsOwn(Right):
    """Returns an array of a class that agrees with everything; computes nothing."""

    name = "planted-array-of-its-own"

    def compute(self, p, x, weight, bias):
        array = np.zeros(p.output_shape, p.dtype).view(Agreeable)
        array.wanted = p.output_shape
        return array
