"""A clock that a test moves on, in the place of one that others who use this machine could disturb."""

from __future__ import annotations


class SimulatedTime:
    """What the timed layer reads its clocks from, and the layer moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def perf_counter(self) -> float:
        """Simulated seconds."""
        return self.now_s

    cpu_seconds = perf_counter
