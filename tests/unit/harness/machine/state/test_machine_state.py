"""What is recorded of a pass: its time, and what others took of the processor."""

from __future__ import annotations

import time

import psutil
import pytest

from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.machine.state.machine_state import MachineState


@pytest.mark.parametrize(("stolen", "counted"), [((5.0, 5.5), 0.5), ((None, None), 0.0)])
def test_time_and_stolen_time_are_those_since_it_began(
    stolen: tuple[float | None, ...], counted: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that does not count what is stolen from it has had none stolen."""
    moments, counts = iter([0.0, 90.0]), iter(stolen)
    monkeypatch.setattr(time, "time", lambda: next(moments))
    monkeypatch.setattr(environment, "steal_seconds", lambda: next(counts))
    monkeypatch.setattr(psutil, "getloadavg", lambda: (1.5, 9.0, 9.0))
    found = MachineState.now().until_now()
    assert found == {"began_at": "1970-01-01T00:00:00.000+00:00", "wall_s": 90.0, "steal_s": counted, "load": 1.5}
