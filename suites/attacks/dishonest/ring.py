"""Declares that every result is new memory, and hands out three buffers in turn, which its caches stay warm for."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class Ring(Honest):
    """Computes the right answers."""

    name = "attack-ring-of-buffers"

    def prepare(self, problem, weight, bias, threads):
        empty = convolve(problem, np.zeros(problem.input_shape, np.float32), weight, bias)
        nchw = problem.layout == "nchw"
        shape = (problem.batch, problem.out_channels, -1) if nchw else (-1, problem.out_channels)
        ring = [np.empty_like(empty).reshape(shape) for _ in range(3)]

        def layer(x):
            ring.append(ring.pop(0))
            return convolve(problem, x, weight, bias, out=ring[-1])

        return layer
