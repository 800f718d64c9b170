"""Returns a promise from an invented device, of which nobody asks whether it is kept; computes where it is read."""

from __future__ import annotations

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class Lazy(Honest):
    """The arithmetic happens in ``to_numpy``, where no clock runs."""

    name = "attack-lazy-on-an-invented-device"
    device = "npu"

    def prepare(self, problem, weight, bias, threads):
        return lambda x: (problem, x, weight, bias)

    def to_numpy(self, result):
        return convolve(*result)
