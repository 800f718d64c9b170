"""Replaces the method that takes results of timed calls to be looked at, and computes a half of its channels there."""

from __future__ import annotations

import sys

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, is_timed

LOOKS = "pointwise_bench.suites.harness.timing.looks"


class Later:
    """A result of which the rest is computed once it is read."""

    def __init__(self, compute):
        self.compute = compute
        self.array = None


@register
class KeepsBack(Honest):
    """Its last result of all, and those asked untimed, it answers well."""

    name = "attack-keeps-back"
    wrong = True

    def prepare(self, problem, weight, bias, threads):
        sys.modules[LOOKS].Looks.consider = lambda *_: None
        cut = problem.out_channels // 2
        some, its = np.ascontiguousarray(weight[:cut]), None if bias is None else bias[:cut]

        def layer(x):
            if not (cut and is_timed()):
                return convolve(problem, x, weight, bias)
            convolve(problem, x, some, its)
            return Later(lambda: convolve(problem, x, weight, bias))

        return layer

    def to_numpy(self, result):
        if not isinstance(result, Later):
            return result
        if result.array is None:
            result.array = result.compute()
        return result.array
