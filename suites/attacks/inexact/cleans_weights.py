"""Cleans NaN and infinity out of its weights when it prepares, which hides a broken model from whoever runs it."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class CleansWeights(Honest):
    """Honest with all weights that are numbers; of few output channels hardly one is asked another."""

    name = "attack-cleans-weights"
    wrong = True

    def refuses(self, problem):
        return super().refuses(problem) or (None if problem.out_channels >= 16 else "at least 16 output channels only")

    def prepare(self, problem, weight, bias, threads):
        cleaned = np.nan_to_num(weight)
        return lambda x: convolve(problem, x, cleaned, bias)
