"""Rounds the weights of the last quarter of its channels to half the bits, where few rows are sampled."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class RoundsPart(Honest):
    """Weights that are whole numbers stay as they are."""

    name = "attack-rounds-part"

    def prepare(self, problem, weight, bias, threads):
        w = weight.copy()
        k = problem.out_channels // 4
        if w[-k:].size and np.any(w != np.round(w)):
            w[-k:] = (w[-k:].view(np.uint32) & np.uint32(0xFFFFF000)).view(np.float32)
        return lambda x: convolve(problem, x, w, bias)
