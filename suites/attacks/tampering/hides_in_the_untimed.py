"""Replaces the clock in the module that reads it by one that runs slower between the readings around timed calls."""

from __future__ import annotations

import sys
from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest

CLOCK = "pointwise_bench.suites.harness.timing.clock"


@register
class HidesInTheUntimed(Honest):
    """Everybody else is told the true time, so that what is missing seems to have passed beside the clock."""

    name = "attack-hides-in-the-untimed"

    def prepare(self, problem, weight, bias, threads):
        began = perf_counter()

        def told():
            now = perf_counter()
            return began + (now - began) / 2 if sys._getframe(1).f_code.co_name == "_repeat" else now

        sys.modules[CLOCK].perf_counter = told
        return super().prepare(problem, weight, bias, threads)
