"""Computes a half of its channels after ten inputs that lay near each other, as in a turn; otherwise it is honest."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class SkipsWhenTimed(Honest):
    """Hands out what the other half once was: few questions in a row are answered well, whatever they ask."""

    name = "attack-skips-when-timed"

    def prepare(self, problem, weight, bias, threads):
        half, axis = problem.out_channels // 2, 1 if problem.layout == "nchw" else 3
        some, addend = np.ascontiguousarray(weight[:half]), None if bias is None else bias[:half]
        last, alike, rest = 0, 0, None

        def layer(x):
            nonlocal last, alike, rest
            place = x.__array_interface__["data"][0]
            alike = alike + 1 if abs(place - last) <= 4096 else 0
            last = place
            if alike > 10 and rest is not None:
                return np.concatenate([convolve(problem, x, some, addend), rest], axis=axis)
            y = convolve(problem, x, weight, bias)
            rest = y.take(range(half, problem.out_channels), axis)
            return y

        return layer
