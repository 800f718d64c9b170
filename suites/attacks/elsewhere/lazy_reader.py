"""Computes where its result is read for the first time, and takes as long for whatever it reads."""

from __future__ import annotations

from time import perf_counter, thread_time

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, pad


@register
class LazyReader(Honest):
    """Neither the second reading nor that of an array that was ready tells anything of the first."""

    name = "attack-lazy-reader"
    took_s = 0.0

    def prepare(self, problem, weight, bias, threads):
        def layer(x):
            began = perf_counter()
            promise = [problem, x, weight, bias]
            pad(problem, began)
            return promise

        return layer

    def to_numpy(self, result):
        began = thread_time()
        if isinstance(result, list):
            if len(result) > 1:
                result[:] = [convolve(*result)]
                self.took_s = thread_time() - began
            result = result[0]
        while thread_time() - began < self.took_s:
            pass
        return result
