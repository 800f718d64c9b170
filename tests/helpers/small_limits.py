"""A pytest plugin for runs of hostile plugins: a gigabyte of memory, a short log, little patience, few rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from changed_policy import changed_policy, put_in_place

if TYPE_CHECKING:
    from pointwise_bench.suites.harness.record.pass_samples import PassSamples
    from pointwise_bench.suites.harness.run.participant import Participant
    from pointwise_bench.suites.harness.worker.pool import WorkerSlot

# Turns are as long as ever: who is beyond his budget is found by the usual limits.
FEW = changed_policy(rounds={"usual": 8, "passes": 2, "most_passes": 2})
# They are waited for in vain; all others have the whole time-out, on a busy machine.
NEVER_ANSWER = {"hangs-in-python", "hangs-in-c", "stops-itself"}
IN_VAIN_S = 2.0


@pytest.hookimpl(tryfirst=True)  # before plugins are loaded
def pytest_configure() -> None:
    """Replace what others take over by name first."""
    put_in_place(FEW)

    from pointwise_bench.suites.harness.run import participant as asked, passes, trial
    from pointwise_bench.suites.harness.worker import limits, plugin_loading as apart

    patient = asked.Participant

    def participant(slot: WorkerSlot, part: PassSamples, patience_s: float, most_s: Callable[[], float]) -> Participant:
        return patient(slot, part, IN_VAIN_S if slot.backend.name in NEVER_ANSWER else patience_s, most_s)

    vars(trial)["Participant"] = participant
    vars(passes)["SHORTEST_START_S"] = 5.0
    limits.present_limits = lambda: limits.Limits(memory_bytes=2**30, file_bytes=2**26)
    apart.LOADING_S = 5.0
