"""A clock that the checks by time read, and that only tests move."""

from __future__ import annotations

import pytest

from pointwise_bench.suites.harness.verify import recomputation

COPYING_S = 1e-6


class Clock:
    """Simulated seconds, in place of the real ones."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.tick_s = COPYING_S
        self.pauses_s: list[float] = []
        self.late_s: list[float] = []

    def read(self) -> float:
        """Every reading of it takes a moment: so long does seem what takes no time, as a copy here."""
        self.now_s += self.tick_s + (self.late_s.pop(0) if self.late_s else 0.0)
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds

    def pause(self, seconds: float) -> None:
        """The sleep of the checks themselves."""
        self.pauses_s.append(seconds)
        self.sleep(seconds)


def simulated_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put in the place of the real one."""
    simulated = Clock()
    monkeypatch.setattr(recomputation, "perf_counter", simulated.read)
    monkeypatch.setattr(recomputation, "sleep", simulated.pause)
    return simulated
