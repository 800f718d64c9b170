"""Replaces the clock in the module that reads it by one that runs a sixth slower, within what delays explain."""

from __future__ import annotations

import sys
from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve

SHARE = 0.84


@register
class SlowsItsClock(Honest):
    """Every reading is slow, so that nothing seems to have passed beside the timed calls."""

    name = "attack-slows-its-clock"

    def prepare(self, problem, weight, bias, threads):
        sys.modules["pointwise_bench.suites.harness.timing.clock"].perf_counter = lambda: SHARE * perf_counter()
        return lambda x: convolve(problem, x, weight, bias)
