"""Computes two fifths of its channels in the call and the others where the result is read, unsuspiciously."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class PartlyLazy(Honest):
    """A result is what is done, and what is left to do."""

    name = "attack-partly-lazy"

    def prepare(self, problem, weight, bias, threads):
        cut = max(1, 2 * problem.out_channels // 5)
        parts = [np.ascontiguousarray(each) for each in (weight[:cut], weight[cut:])]
        addends = [None, None] if bias is None else [bias[:cut], bias[cut:]]
        return lambda x: (problem, x, convolve(problem, x, parts[0], addends[0]), parts[1], addends[1])

    def to_numpy(self, result):
        problem, x, done, weight, bias = result
        return np.concatenate([done, convolve(problem, x, weight, bias)], axis=1 if problem.layout == "nchw" else 3)
