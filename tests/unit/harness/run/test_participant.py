"""What one backend of a trial is asked, and for how long it is waited for."""

from __future__ import annotations

import time
from typing import Any

from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.run.participant import Participant
from pointwise_bench.suites.harness.worker.pool import WorkerSlot


def test_a_time_out_is_for_all_requests_together() -> None:
    """A backend cannot stretch it by being slow in many small steps."""
    seen: list[float] = []
    client: Any = object()
    backend: Any = None
    participant = Participant(WorkerSlot(backend, 1, client), PassSamples("a", 0, ""), patience_s=0.05)

    def request(client: Any, patience_s: float) -> None:
        seen.append(patience_s)
        time.sleep(0.03)

    for _ in range(3):
        participant.ask(request)
    assert seen[0] == 0.05
    assert 0 < seen[1] <= 0.02
    assert seen[2] == 0.001
