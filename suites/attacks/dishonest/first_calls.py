"""Answers honestly in the first two hundred calls and from then on computes half of its channels."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class FirstCalls(Honest):
    """The other half stays as it was in the last honest call."""

    name = "attack-first-calls"

    def prepare(self, problem, weight, bias, threads):
        half, axis = problem.out_channels // 2, 1 if problem.layout == "nchw" else 3
        some, addend = np.ascontiguousarray(weight[:half]), None if bias is None else bias[:half]
        rest, n = None, 0

        def layer(x):
            nonlocal rest, n
            n += 1
            if n > 200:
                return np.concatenate([convolve(problem, x, some, addend), rest], axis=axis)
            y = convolve(problem, x, weight, bias)
            rest = y.take(range(half, problem.out_channels), axis)
            return y

        return layer
