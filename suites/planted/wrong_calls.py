"""Backends that are wrong on purpose in how they treat memory, when they compute, or what they keep between calls.

A plugin like :mod:`wrong`, one mistake each, whose formula is right as long as they compute anything. The class
docstring says what is wrong; the control is that of :mod:`wrong`.
"""

from __future__ import annotations

import threading
import time

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.planted.arithmetic import Convolution, convolve

# --- memory -------------------------------------------------------------------------------------------------------


@register
class MutatesInput(Convolution):
    """Clears the first element of its input once it has used it."""

    name = "planted-mutates-input"

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        np.frombuffer((np.ctypeslib.ctypes.c_byte * x.nbytes).from_address(x.ctypes.data), x.dtype)[0] += 1
        return y


@register
class MutatesDeviceCopy(Convolution):
    """Clears its own copy of the input, so that the second call on it is wrong."""

    name = "planted-mutates-device-copy"

    def to_device(self, array):
        return array.copy()

    def compute(self, p, x, weight, bias):
        y = convolve(p, x, weight, bias)
        x[...] = 0
        return y


@register
class ReadsPastTheEnd(Convolution):
    """Adds the element behind the end of its input."""

    name = "planted-reads-past-the-end"

    def compute(self, p, x, weight, bias):
        longer = np.lib.stride_tricks.as_strided(x.reshape(-1), (x.size + 1,), (x.itemsize,))
        return convolve(p, longer[1:].reshape(x.shape), weight, bias)


@register
class OverwritesEarlierResult(Convolution):
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
class ReplaysFirstAnswer(Convolution):
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
class ReplaysByIdentity(Convolution):
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
class ReplaysByContent(Convolution):
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
class AnswersThePreviousInput(Convolution):
    """Returns the result of the call before: a pipeline that is never emptied."""

    name = "planted-answers-previous-input"

    def prepare(self, problem, weight, bias, threads):
        state = [np.zeros(problem.output_shape, problem.dtype)]

        def layer(x):
            state.append(convolve(problem, x, weight, bias))
            return state.pop(0)

        return layer


@register
class WrongAfterAWhile(Convolution):
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
class Unsynchronised(Convolution):
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
class HalfWritten(Convolution):
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
class Lazy(Convolution):
    """Returns a promise; the arithmetic happens in ``to_numpy``, where no clock runs."""

    name = "planted-lazy"

    def prepare(self, problem, weight, bias, threads):
        return lambda x: (problem, x, weight, bias)

    def to_numpy(self, result):
        return convolve(*result)


@register
class BendsNumpy(Convolution):
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
class ArrayOfItsOwn(Convolution):
    """Returns an array of a class that agrees with everything; computes nothing."""

    name = "planted-array-of-its-own"

    def compute(self, p, x, weight, bias):
        array = np.zeros(p.output_shape, p.dtype).view(Agreeable)
        array.wanted = p.output_shape
        return array
