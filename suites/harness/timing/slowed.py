"""A backend under another name, made slower by a known share of its time: what a run's verdicts are proven with."""

from __future__ import annotations

import statistics
from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import TYPE_CHECKING, Any

from pointwise_bench import Backend, DeviceTimer, Layer, Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

LOOK_S = 0.05
"""Of calls from which the layer's own median is learnt."""
FEWEST_LOOKS = 9


class Slowed(Backend):
    """``original``, of which every call is followed by a timed wait for ``percent`` of its median; none where it is 0.

    The wait is inside the clock, as the work of a slower backend would be. Only backends on the CPU can be slowed: what
    a device does goes on while its caller waits.
    """

    def __init__(self, original: Backend, percent: float) -> None:
        self._original = original
        self._percent = percent
        # Those of a class for everybody else; a plugin's own may be anything that passed registering.
        vars(self).update(
            {
                name: getattr(original, name)
                for name in ("name", "device", "output", "dtypes", "arithmetic", "directions")
            }
        )

    def missing(self) -> str | None:
        """The original's."""
        return self._original.missing()

    def refuses(self, problem: Problem) -> str | None:
        """The original's."""
        return self._original.refuses(problem)

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The original's layer, with the wait behind it; the median is learnt from calls on zeros."""
        layer = self._original.prepare(problem, weight, bias, threads)
        if not self._percent:
            return layer
        wait_s = self._median_s(layer, problem) * self._percent / 100

        def slowed(*inputs: Any) -> Any:
            result = layer(*inputs)
            end = perf_counter() + wait_s
            while perf_counter() < end:
                pass
            return result

        return slowed

    def _median_s(self, layer: Layer, problem: Problem) -> float:
        import numpy as np

        inputs = [self._original.to_device(np.zeros(shape, problem.dtype)) for shape in problem.input_shapes]
        layer(*inputs)  # may compile
        self._original.sync()
        seconds: list[float] = []
        while sum(seconds) < LOOK_S or len(seconds) < FEWEST_LOOKS:
            began = perf_counter()
            layer(*inputs)
            self._original.sync()
            seconds.append(perf_counter() - began)
        return statistics.median(seconds)

    def to_device(self, array: Array) -> Any:
        """The original's."""
        return self._original.to_device(array)

    def to_numpy(self, result: Any) -> Array:
        """The original's."""
        return self._original.to_numpy(result)

    def sync(self) -> None:
        """The original's."""
        self._original.sync()

    def ran(self) -> str | None:
        """The original's."""
        return self._original.ran()

    def device_timer(self) -> DeviceTimer | None:
        """The original's."""
        return self._original.device_timer()
