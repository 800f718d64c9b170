"""Takes a copy of its input in the call, computes where its result is read for the first time, and keeps that."""

from __future__ import annotations

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class LazyWithACopy(Honest):
    """What its input holds when it is read matters no more, and copying it takes less than the product."""

    name = "attack-lazy-with-a-copy"

    def prepare(self, problem, weight, bias, threads):
        return lambda x: [problem, x.copy(), weight, bias]

    def to_numpy(self, result):
        if len(result) > 1:
            result[:] = [convolve(*result)]
        return result[0]
