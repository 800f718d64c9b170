"""What a machine was like during a part of a run: how long that took, and what others took of the processor."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psutil

from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.record import run_folder


@dataclass(frozen=True)
class MachineState:
    """Clocks and counters of the machine at a moment."""

    began: float
    steal_s: float

    @classmethod
    def now(cls) -> MachineState:
        """Of this moment."""
        return cls(time.time(), environment.steal_seconds() or 0.0)

    def until_now(self) -> dict[str, Any]:
        """For ``run.json``: time and stolen time since that moment, and the load."""
        now = self.now()
        return {
            "began_at": run_folder.now(self.began),
            "wall_s": now.began - self.began,
            "steal_s": now.steal_s - self.steal_s,
            "load": psutil.getloadavg()[0],
        }
