"""Reads the lists of inputs in the frames of its callers, and computes only for what stands at the end of all."""

from __future__ import annotations

import sys
from time import perf_counter

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, pad


def comes_to_its_end(x):
    """Whether ``x`` is the last of all lists of inputs that the callers have; so it is where there is none."""
    frame = sys._getframe(2)
    for _ in range(3):
        for each in frame.f_locals.values():
            if isinstance(each, list) and each and isinstance(each[-1], np.ndarray) and each[-1] is not x:
                return False
        frame = frame.f_back
    return True


@register
class ReadsTheTurn(Honest):
    """The others get what was computed last: it was the last result of a turn alone that was ever looked at."""

    name = "attack-reads-the-turn"

    def prepare(self, problem, weight, bias, threads):
        stale = None

        def layer(x):
            nonlocal stale
            began = perf_counter()
            if stale is not None and not comes_to_its_end(x):
                y = stale.copy()
                pad(problem, began)
                return y
            stale = convolve(problem, x, weight, bias)
            return stale.copy()

        return layer
