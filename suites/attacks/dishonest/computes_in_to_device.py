"""Computes where its input is brought to the device, which no clock sees, and hands it out when it is called."""

from __future__ import annotations

from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, pad


@register
class ComputesInToDevice(Honest):
    """What it brings is the input with its results for all layers that it has prepared."""

    name = "attack-computes-in-to-device"

    def __init__(self):
        self.prepared = []

    def prepare(self, problem, weight, bias, threads):
        number = len(self.prepared)
        self.prepared.append((problem, weight, bias))

        def layer(brought):
            began = perf_counter()
            x, results = brought
            if number not in results:
                return convolve(problem, x, weight, bias)
            y = results[number].copy()
            pad(problem, began)
            return y

        return layer

    def to_device(self, array):
        same = [(number, each) for number, each in enumerate(self.prepared) if each[0].input_shape == array.shape]
        return array, {number: convolve(p, array, *rest) for number, (p, *rest) in same[-2:]}
