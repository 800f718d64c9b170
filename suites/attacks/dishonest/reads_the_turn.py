"""Reads the list of the turn's inputs in its caller's frame, and computes only for the one that stands at its end."""

from __future__ import annotations

import sys
from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, pad


@register
class ReadsTheTurn(Honest):
    """The others get what was computed last: of a turn, the last result is the only one that is ever looked at."""

    name = "attack-reads-the-turn"

    def prepare(self, problem, weight, bias, threads):
        stale = None

        def layer(x):
            nonlocal stale
            began = perf_counter()
            given = sys._getframe(1).f_locals.get("given")
            if stale is not None and isinstance(given, list) and given[-1] is not x:
                y = stale.copy()
                pad(problem, began)
                return y
            stale = convolve(problem, x, weight, bias)
            return stale.copy()

        return layer
