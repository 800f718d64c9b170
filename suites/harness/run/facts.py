"""What workers tell of their backends once a pass is over: the libraries they have loaded, what ran, and properties."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker.pool import Pool, WorkerSlot
from pointwise_bench.suites.harness.worker.side_by_side import side_by_side

LIBRARIES_S = 10.0  # patience for asking a worker which libraries it has loaded, and what ran
SHORTEST_LOOK_S = 0.3  # for the properties of a backend


@dataclass
class Facts:
    """By backend and thread budget, as ``run.json`` has them."""

    libraries: dict[str, Any] = field(default_factory=dict)
    ran: dict[str, str] = field(default_factory=dict)
    properties: dict[str, dict[str, Any]] = field(default_factory=dict)
    strays: set[str] = field(default_factory=set)
    """Backends of which a worker saw one of many results far from the others."""

    def ask(self, slots: Sequence[WorkerSlot], pool: Pool, budget: TimeBudget) -> None:
        """Ask workers which libraries they have loaded and what ran, so that a silent fall-back is seen.

        Each backend once, and several at once: nothing is timed. It takes some of them half a second to tell, as much
        as a problem takes.
        """
        slots = [slot for slot in slots if slot.control is None and _named(slot) not in self.libraries]
        patience_s = min(LIBRARIES_S, budget.patience_s())
        side_by_side(lambda slot: self._ask_one(slot, patience_s), slots, pool.at_once)
        ends = time.monotonic() + budget.seconds_for_properties()
        side_by_side(lambda slot: self._examine(slot, pool, ends), slots, pool.at_once)

    def _ask_one(self, slot: WorkerSlot, patience_s: float) -> None:
        assert slot.client is not None, "an occupied slot has a client"
        with suppress(Ended):  # one that cannot answer has its status already
            self.libraries[_named(slot)] = slot.client.libraries(patience_s)
            if (ran := slot.client.ran(patience_s)) is not None:
                self.ran[_named(slot)] = ran

    def _examine(self, slot: WorkerSlot, pool: Pool, ends: float) -> None:
        """See :mod:`properties`, until the moment ``ends``; a worker that gets lost over it costs no cell."""
        patience_s = min(LIBRARIES_S, ends - time.monotonic())
        if slot.client is None or patience_s < SHORTEST_LOOK_S:
            return
        try:
            found = slot.client.examine(patience_s)
        except Ended as ended:
            if not ended.alive:
                pool.dismiss(slot)
            return
        if found is not None:
            told = asdict(found)
            if told.pop("strays"):  # what comes of that, its cells say
                self.strays.add(slot.backend.name)
            self.properties[_named(slot)] = told


def _named(slot: WorkerSlot) -> str:
    return f"{slot.name}, {slot.threads} threads"
