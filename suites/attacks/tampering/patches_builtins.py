"""Replaces a builtin for the whole process, and computes when it is called, as by whoever reads a result."""

from __future__ import annotations

import builtins
from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, is_timed, pad

right = isinstance
jobs = []


def also_computes(each, kinds):
    """What is left to do, and then what the builtin does."""
    if jobs:
        y, *job = jobs.pop()
        y[...] = convolve(*job)
    return right(each, kinds)


@register
class PatchesBuiltins(Honest):
    """Outside of the timed loop it computes in the call."""

    name = "attack-patches-builtins"

    def prepare(self, problem, weight, bias, threads):
        builtins.isinstance = also_computes
        stale = None

        def layer(x):
            nonlocal stale
            began = perf_counter()
            jobs.clear()
            if stale is not None and is_timed():
                y = stale.copy()
                jobs.append((y, problem, x, weight, bias))
                pad(problem, began)
                return y
            stale = convolve(problem, x, weight, bias)
            return stale.copy()

        return layer
