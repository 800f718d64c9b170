"""Computes where its result is read for the first time, and takes as long for every other reading of a result."""

from __future__ import annotations

from time import thread_time

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class LazyEvenly(Honest):
    """The second reading tells nothing of the first. What its input holds later is no matter, as it was copied."""

    name = "attack-lazy-evenly"
    took_s = 0.0

    def prepare(self, problem, weight, bias, threads):
        return lambda x: [problem, x.copy(), weight, bias]

    def to_numpy(self, result):
        if not isinstance(result, list):
            return result
        began = thread_time()
        if len(result) > 1:
            result[:] = [convolve(*result)]
            self.took_s = thread_time() - began
        while thread_time() - began < self.took_s:
            pass
        return result[0]
