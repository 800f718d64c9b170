"""A fixed piece of work, timed in every round: when it is slow, the machine was, whoever's turn it is."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from pointwise_bench.suites.harness.design.policy import POLICY

DESCRIPTION: Final = "multiply-adds on 64 KiB of float32 in the harness's own process, one thread"


class Canary:
    """Does its work when asked and tells the seconds. ``baseline_s`` is its usual time, measured before the run."""

    def __init__(self) -> None:
        self._values = np.full(8192, 1.5, np.float32)
        self._scaled = np.empty_like(self._values)
        self._work()
        self.baseline_s = statistics.median(self.work_s() for _ in range(POLICY.timing.canary_beats))

    def work_s(self, cores: list[int] | None = None) -> float:
        """Seconds for the fixed work, its caches warm, on one of ``cores`` (None: on any)."""
        with _on(cores):
            self._work(sweeps=POLICY.timing.canary_sweeps // 10)
            began = time.perf_counter()
            self._work()
            return time.perf_counter() - began

    def _work(self, sweeps: int = POLICY.timing.canary_sweeps) -> None:
        for _ in range(sweeps):
            np.multiply(self._values, np.float32(0.5), out=self._scaled)
            np.add(self._scaled, np.float32(0.75), out=self._values)


@contextmanager
def _on(cores: list[int] | None) -> Iterator[None]:
    """Keep this thread to ``cores`` for a while."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
