"""Backends of known ratio: one layer under two names, and the same layer with a wait of a known share of its time.

A plugin (``--plugin suites/calibration/twins.py``), not a part of the registry: these are no choices for a user.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import Any

from pointwise_bench import Backend, Layer, Problem, get, register

LOOK_S = 0.06  # for learning the layer's own median
FEWEST_LOOKS = 9


@register
class Twin(Backend):
    """NumPy's matmul under another name."""

    name = "twin"
    output = "reused"
    original = "numpy-matmul"

    def refuses(self, problem: Problem) -> str | None:
        """What the original refuses."""
        return get(self.original).refuses(problem)

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        """The original's layer."""
        return get(self.original).prepare(problem, weight, bias, threads)


@register
class TwinAgain(Twin):
    """The very same."""

    name = "twin-again"


class Slower(Twin):
    """The same layer, then a timed wait for ``percent`` of its median."""

    percent = 0

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        """Learns the layer's median on zeros; BLAS takes no notice of the values."""
        import numpy as np

        layer = super().prepare(problem, weight, bias, threads)
        wait_s = _median_s(layer, np.zeros(problem.input_shape, problem.dtype)) * self.percent / 100

        def slower(x: Any) -> Any:
            y = layer(x)
            end = perf_counter() + wait_s
            while perf_counter() < end:
                pass
            return y

        return slower


def _median_s(layer: Layer, x: Any) -> float:
    layer(x)
    seconds: list[float] = []
    while sum(seconds) < LOOK_S or len(seconds) < FEWEST_LOOKS:
        began = perf_counter()
        layer(x)
        seconds.append(perf_counter() - began)
    return statistics.median(seconds)


@register
class TwinSlowerBy1(Slower):
    """Half of the margin: a difference that is to be called none."""

    name, percent = "twin-slower-by-1", 1


@register
class TwinSlowerBy3(Slower):
    """One and a half margins."""

    name, percent = "twin-slower-by-3", 3


@register
class TwinSlowerBy5(Slower):
    """Two and a half margins."""

    name, percent = "twin-slower-by-5", 5
