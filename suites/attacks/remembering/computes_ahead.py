"""Computes for all inputs that a turn can give it in the calls before the clock starts, and answers from these."""

from __future__ import annotations

import sys
from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, fingerprint, is_timed, pad


@register
class ComputesAhead(Honest):
    """It finds the inputs in the frames of its caller, and lets nothing look impossibly fast."""

    name = "attack-computes-ahead"

    def prepare(self, problem, weight, bias, threads):
        known = {}

        def layer(x):
            began = perf_counter()
            if not is_timed():
                known.clear()
                for window in self.inputs_to_come():
                    known[fingerprint(window)] = convolve(problem, window, weight, bias)
            y = known.get(fingerprint(x))
            if y is None:
                return convolve(problem, x, weight, bias)
            pad(problem, began)
            return y.copy()

        return layer

    def inputs_to_come(self):
        """The windows of the block in which the turn's calls will look."""
        frame = sys._getframe(2)
        while frame is not None and frame.f_code.co_name != "turn":
            frame = frame.f_back
        inputs = frame and frame.f_locals.get("inputs")
        return [window for (window,) in getattr(inputs, "_windows", ())]
