"""Declares the processor to the harness, and in its worker, where checks are made, a GPU, of which fewer are made."""

from __future__ import annotations

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve


@register
class ChangesItsDevice(Honest):
    """The arithmetic happens in ``to_numpy``, where no clock runs."""

    name = "attack-changes-its-device"
    device = "cpu"

    def prepare(self, problem, weight, bias, threads):
        type(self).device = "cuda"
        return lambda x: (problem, x, weight, bias)

    def to_numpy(self, result):
        return convolve(*result)
