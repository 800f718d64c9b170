"""Hands out one buffer for all results, and computes for the last call alone of each list that its callers have."""

from __future__ import annotations

import sys
from time import perf_counter

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, pad


def is_followed(x):
    """Whether a list of inputs that a caller goes through has one behind ``x``."""
    frame = sys._getframe(2)
    for _ in range(2):
        for each in frame.f_locals.values():
            if isinstance(each, list) and each and isinstance(each[-1], np.ndarray) and each[-1] is not x:
                return True
        frame = frame.f_back
    return False


@register
class SkipsBetweenLooks(Honest):
    """Of a buffer that is reused, other results are gone before anybody looks, if that is known before they are."""

    name = "attack-skips-between-looks"
    output = "reused"

    def prepare(self, problem, weight, bias, threads):
        kept = None

        def layer(x):
            nonlocal kept
            began = perf_counter()
            if kept is not None and is_followed(x):
                pad(problem, began)
                return kept
            if kept is None:
                kept = convolve(problem, x, weight, bias)
            else:
                kept[...] = convolve(problem, x, weight, bias)
            return kept

        return layer
