"""Saturates in float16: what is larger than any number of the type becomes the largest one instead of infinity."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve

LARGEST = np.float32(65504)


@register
class Saturates(Honest):
    """Sums in float32; infinity and NaN of the input stay what they are."""

    name = "attack-saturates"
    wrong = True
    dtypes: ClassVar[tuple[str, ...]] = ("float16",)

    def prepare(self, problem, weight, bias, threads):
        wide = weight.astype(np.float32), None if bias is None else bias.astype(np.float32)

        def layer(x):
            y = convolve(problem, x.astype(np.float32), *wide)
            return np.where(np.isfinite(y), np.clip(y, -LARGEST, LARGEST), y).astype(np.float16)

        return layer
