"""Remembers most of every answer by a few values of its input, and computes the rest, so that it is not too fast."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve, fingerprint

MOST = 10_000


@register
class Remembers(Honest):
    """Computes two fifths of the channels of what it has seen before; any number of answers is kept."""

    name = "attack-remembers-most"

    def prepare(self, problem, weight, bias, threads):
        cut = max(1, 2 * problem.out_channels // 5)
        some, addend = np.ascontiguousarray(weight[:cut]), None if bias is None else bias[:cut]
        kept = {}

        def layer(x):
            key = fingerprint(x)
            y = kept.get(key)
            if y is None:
                if len(kept) > MOST:
                    kept.clear()
                y = kept[key] = convolve(problem, x, weight, bias)
                return y.copy()
            y = y.copy()
            y[(slice(None), slice(cut)) if problem.layout == "nchw" else (..., slice(cut))] = convolve(
                problem, x, some, addend
            )
            return y

        return layer
