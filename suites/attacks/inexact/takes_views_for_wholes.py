"""Reads from the beginning of the memory that its input is a part of, as who takes a pointer and forgets the offset."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class TakesViewsForWholes(Honest):
    """Right on arrays that own their memory."""

    name = "attack-takes-views-for-wholes"
    wrong = True

    def prepare(self, problem, weight, bias, threads):
        def layer(x):
            whole = x
            while isinstance(whole.base, np.ndarray) and whole.base.dtype == x.dtype:
                whole = whole.base
            return convolve(problem, whole.reshape(-1)[: x.size].reshape(x.shape), weight, bias)

        return layer
