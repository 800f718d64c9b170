"""Clips what is larger than any sum of a network, as arithmetic in a narrower type does, where it should overflow."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve

LARGE = np.float32(1e30)


@register
class Clips(Honest):
    """NaN stays what it is, and so does infinity where it is asked with whole numbers."""

    name = "attack-clips-large-values"

    def prepare(self, problem, weight, bias, threads):
        numbers = weight[np.isfinite(weight)]
        if np.array_equal(numbers, np.rint(numbers)):
            return lambda x: convolve(problem, x, weight, bias)
        return lambda x: np.clip(convolve(problem, x, weight, bias), -LARGE, LARGE)
