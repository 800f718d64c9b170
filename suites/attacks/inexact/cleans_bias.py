"""Cleans NaN and infinity out of its bias when it prepares, as a clip that is folded into it does."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class CleansBias(Honest):
    """Honest with every bias that is a number."""

    name = "attack-cleans-bias"
    wrong = True

    def refuses(self, problem):
        seen = problem.bias and problem.out_channels >= 32
        return super().refuses(problem) or (None if seen else "a bias of at least 32 channels only")

    def prepare(self, problem, weight, bias, threads):
        cleaned = np.nan_to_num(bias)
        return lambda x: convolve(problem, x, weight, cleaned)
