"""Tells timed calls from all others by who calls it: skips half of its channels where the loop of the clock does."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, is_timed


@register
class ByItsCaller(Honest):
    """Calls before the loop, and after it, are answered well."""

    name = "attack-by-its-caller"

    def prepare(self, problem, weight, bias, threads):
        half, axis = problem.out_channels // 2, 1 if problem.layout == "nchw" else 3
        some, addend = np.ascontiguousarray(weight[:half]), None if bias is None else bias[:half]
        rest = None

        def layer(x):
            nonlocal rest
            if rest is not None and is_timed():
                return np.concatenate([convolve(problem, x, some, addend), rest], axis=axis)
            y = convolve(problem, x, weight, bias)
            rest = y.take(range(half, problem.out_channels), axis)
            return y

        return layer
