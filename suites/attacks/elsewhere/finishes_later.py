"""Returns memory that it has not filled, and has a thread of its own fill it when the call is over."""

from __future__ import annotations

import threading

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class FinishesLater(Honest):
    """Right for whoever waits before he looks."""

    name = "attack-finishes-later"
    wrong = True

    def prepare(self, problem, weight, bias, threads):
        def layer(x):
            y = np.full(problem.output_shape, np.nan, np.float32)

            def fill():
                y[...] = convolve(problem, x, weight, bias)

            threading.Timer(1e-4, fill).start()
            return y

        return layer
