"""A backend under another name, made slower by a known share of its time: what a run's verdicts are proven with."""

from __future__ import annotations

from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import TYPE_CHECKING, Any

from pointwise_bench import Backend, DeviceTimer, Layer, Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


class Slowed(Backend):
    """``original``, of which every call is followed by a timed wait for ``percent`` of its time; none where it is 0.

    The wait is inside the clock, as the work of a slower backend would be. It is a share of the very call that it
    follows: a median that was learnt beforehand was of another hour of the machine, and of two threads, while they
    still found their cores, 37 times what a call took. Only backends on the CPU can be slowed: what a device does goes
    on while its caller waits.
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
        """The original's layer, with the wait behind what it takes until its result is there."""
        layer = self._original.prepare(problem, weight, bias, threads)
        if not self._percent:
            return layer
        longer, done = 1 + self._percent / 100, self._original.sync

        def slowed(*inputs: Any) -> Any:
            began = perf_counter()
            result = layer(*inputs)
            done()
            end = began + (perf_counter() - began) * longer
            while perf_counter() < end:
                pass
            return result

        return slowed

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
