"""Says that it computes on a GPU, whose results have to travel, and computes on the processor where they are read."""

from __future__ import annotations

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class ClaimsCuda(Honest):
    """The arithmetic happens in ``to_numpy``, where no clock runs."""

    name = "attack-claims-cuda"
    device = "cuda"

    def prepare(self, problem, weight, bias, threads):
        return lambda x: (problem, x, weight, bias)

    def to_numpy(self, result):
        return convolve(*result)
