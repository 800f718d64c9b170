"""Leaves out terms whose weight is zero, as code for pruned weights does, so that infinity times zero is nothing."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class SkipsZeros(Honest):
    """Honest where no weight is zero: of others it multiplies what is a number of its input."""

    name = "attack-skips-zero-weights"
    wrong = True

    def refuses(self, problem):
        return super().refuses(problem) or (None if problem.out_channels >= 2 else "at least 2 output channels only")

    def prepare(self, problem, weight, bias, threads):
        rows = np.flatnonzero((weight == 0).any(axis=1))

        def layer(x):
            y = convolve(problem, x, weight, bias)
            if rows.size:
                cleaned = np.where(np.isfinite(x), x, np.float32(0))
                some = convolve(problem, cleaned, weight[rows], None if bias is None else bias[rows])
                y[(slice(None), rows) if problem.layout == "nchw" else (..., rows)] = some
            return y

        return layer
