"""A clock that a test moves on, in the place of one that others who use this machine could disturb."""

from __future__ import annotations

from random import Random

from pointwise_bench.suites.harness.timing import clock as clock_module


class SimulatedTime:
    """What the timed layer reads its clocks from, and the layer moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._digits = Random(18)

    def perf_counter(self) -> float:
        """Simulated seconds."""
        return self.now_s

    cpu_seconds = perf_counter

    def perf_counter_ns(self) -> int:
        """The last digits, which end an interval, are nobody's to foresee."""
        return int(self.now_s * 1e9) & ~clock_module.DIGITS | self._digits.randrange(clock_module.DIGITS + 1)
