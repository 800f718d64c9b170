"""Computes where its input is brought to the device, and says that this lies in the harness's own memory."""

from __future__ import annotations

from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, pad


class Brought:
    """An input with results, which tells the input's place for its own."""

    def __init__(self, array, results):
        self.array = array
        self.results = results

    def data_ptr(self):
        return self.array.ctypes.data


@register
class TellsAFalsePlace(Honest):
    """Like a tensor of a library in what it is asked for."""

    name = "attack-tells-a-false-place"

    def __init__(self):
        self.prepared = []

    def prepare(self, problem, weight, bias, threads):
        number = len(self.prepared)
        self.prepared.append((problem, weight, bias))

        def layer(brought):
            began = perf_counter()
            if number not in brought.results:
                return convolve(problem, brought.array, weight, bias)
            y = brought.results[number].copy()
            pad(problem, began)
            return y

        return layer

    def to_device(self, array):
        same = [(number, each) for number, each in enumerate(self.prepared) if each[0].input_shape == array.shape]
        return Brought(array, {number: convolve(p, array, *rest) for number, (p, *rest) in same[-2:]})
