"""Is wrong once in 300 calls, as a race between two buffers is: few questions ever meet it."""

from __future__ import annotations

from random import random

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class WrongNowAndThen(Honest):
    """Leaves out one image's last row, at random."""

    name = "attack-wrong-now-and-then"
    wrong = True

    def prepare(self, problem, weight, bias, threads):
        def layer(x):
            y = convolve(problem, x, weight, bias)
            if random() < 1 / 300:
                y[-1, -1] = 0
            return y

        return layer
