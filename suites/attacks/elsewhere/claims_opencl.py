"""Says that it computes by OpenCL, which any machine can have, and computes most of it where the result is read."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class ClaimsOpenCl(Honest):
    """Two fifths of the channels are computed on the clock."""

    name = "attack-claims-opencl"
    device = "opencl"

    def prepare(self, problem, weight, bias, threads):
        cut = max(1, 2 * problem.out_channels // 5)
        some, others = np.ascontiguousarray(weight[:cut]), np.ascontiguousarray(weight[cut:])
        one, other = (None, None) if bias is None else (bias[:cut], bias[cut:])
        return lambda x: (problem, x, convolve(problem, x, some, one), others, other)

    def to_numpy(self, result):
        problem, x, first, weight, bias = result
        return np.concatenate([first, convolve(problem, x, weight, bias)], axis=1 if problem.layout == "nchw" else 3)
