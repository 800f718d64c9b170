"""Takes two infinities of opposite sign for zero, as a sum that is cleaned at its end does; one alone stays."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class OneInfinity(Honest):
    """NaN of the input stays NaN: only what arithmetic has made one is cleaned."""

    name = "attack-cancels-infinities"
    wrong = True

    def refuses(self, problem):
        one_term = "of a sum of one term there is nothing to cancel" if problem.in_channels == 1 else None
        return super().refuses(problem) or one_term

    def prepare(self, problem, weight, bias, threads):
        axis = 1 if problem.layout == "nchw" else 3
        step = slice(None, None, problem.stride)
        read = (..., step, step) if axis == 1 else (slice(None), step, step)
        weights_too = np.isnan(weight).any(axis=1).reshape((-1, 1, 1) if axis == 1 else (-1,))

        def layer(x):
            y = convolve(problem, x, weight, bias)
            if np.isnan(y).any():
                given = np.isnan(x[read]).any(axis=axis, keepdims=True)
                y[np.isnan(y) & ~given & ~weights_too] = 0
            return y

        return layer
