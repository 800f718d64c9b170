"""Computes where the result of a timed call is read, and else in the call: its callers tell which."""

from __future__ import annotations

from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, is_timed, pad

MOST = 200


@register
class LazyWhenLookedAt(Honest):
    """What it hands out lies where it always did, and is right by the time it is compared."""

    name = "attack-lazy-when-looked-at"

    def __init__(self):
        self.left = {}

    def prepare(self, problem, weight, bias, threads):
        stale = None

        def layer(x):
            nonlocal stale
            began = perf_counter()
            if stale is not None and is_timed():
                y = stale.copy()
                if len(self.left) > MOST:
                    self.left.clear()
                self.left[id(y)] = (y, problem, x, weight, bias)
                pad(problem, began)
                return y
            stale = convolve(problem, x, weight, bias)
            return stale.copy()

        return layer

    def to_numpy(self, result):
        if (job := self.left.pop(id(result), None)) is not None:
            result[...] = convolve(*job[1:])
        return result
