"""One backend in a trial: what it is asked, and what was measured of it so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import TypeVar

from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.held_clock import TurnOnBothClocks
from pointwise_bench.suites.harness.worker.client_protocol import Client
from pointwise_bench.suites.harness.worker.pool import WorkerSlot

T = TypeVar("T")


@dataclass
class Participant:
    """One backend in the trial: its worker's slot, and what was measured of it so far."""

    slot: WorkerSlot
    part: PassSamples
    patience_s: float  # what is left of the time-out
    most_patience_s: Callable[[], float] = lambda: inf  # for the next answer
    seconds_per_call: float = 0.0
    cpu_over_wall: float = 0.0  # of the warm-up, on all cores
    turns: list[TurnOnBothClocks] = field(default_factory=list)
    untimed_s: float = 0.0  # of steps that ran beside others'
    alone_s: float = 0.0  # of steps that had the machine to themselves, without the turns

    def ask(self, request: Callable[[Client, float], T]) -> T:
        """Send a request to the client and subtract the answer's time from the time-out."""
        if self.slot.client is None:
            raise Ended("crashed", "its worker is gone", alive=False)
        began, most_s = time.monotonic(), self.most_patience_s()
        try:
            return request(self.slot.client, max(min(self.patience_s, most_s), 0.001))
        except Ended as ended:
            if ended.status == "timed-out" and most_s < self.patience_s:
                raise Hurried(ended.reason) from None
            raise
        finally:
            self.patience_s -= time.monotonic() - began

    def add(self, turn: Turn, canary_s: float, outside_s: float) -> None:
        """Keep one round's sample. ``outside_s``: its seconds on the harness's clock."""
        self.turns.append(TurnOnBothClocks.of(turn, outside_s))
        self.part.samples_s.append(_digits(turn.seconds_per_call, 7))
        self.part.canary_s.append(_digits(canary_s, 4))
        if turn.device_seconds_per_call is not None:
            self.part.device_samples_s.append(_digits(turn.device_seconds_per_call, 7))
        self.part.cpu_s += turn.cpu_over_wall * turn.wall_s
        self.part.wall_s += turn.wall_s
        if turn.page_faults is not None:
            self.part.page_faults = (self.part.page_faults or 0) + turn.page_faults


def _digits(seconds: float, digits: int) -> float:
    """Rounded to what the clock can tell, a nanosecond in a turn of 4 ms being seven digits; halves the files."""
    return float(f"{seconds:.{digits}g}")
