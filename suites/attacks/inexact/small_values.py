"""Takes small numbers for zero, as code that was made for pruned values does, and saves what they would cost."""

from __future__ import annotations

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve

SMALL = 1e-20


@register
class SmallValues(Honest):
    """Right wherever somebody looks at numbers of usual size."""

    name = "attack-small-values-are-zero"

    def prepare(self, problem, weight, bias, threads):
        return lambda x: convolve(problem, np.where(np.abs(x) < SMALL, np.float32(0), x), weight, bias)
