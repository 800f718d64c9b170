"""Prunes: leaves out every weight below a thousandth of the largest, unless the weights are whole numbers."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class SmallWeights(Honest):
    """The exact questions have whole numbers, in which there is nothing to prune."""

    name = "attack-prunes-small-weights"

    def prepare(self, problem, weight, bias, threads):
        kept = np.where(np.abs(weight) < 1e-3 * np.abs(weight).max(), np.float32(0), weight)
        return lambda x: convolve(problem, x, kept, bias)
