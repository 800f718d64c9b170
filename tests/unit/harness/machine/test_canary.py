"""The canary: the same work every time, in numbers that stay what they are."""

from __future__ import annotations

import os
import time

import pytest

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.canary import Canary

SWEEPS = POLICY.timing.canary_sweeps


@pytest.fixture(scope="module")
def canary() -> Canary:
    return Canary()


def test_it_knows_its_speed_from_before_the_run(canary: Canary) -> None:
    assert 0 < canary.baseline_s < 0.1
    # The fastest of many: others use this machine while tests run.
    assert 0.2 < min(canary.work_s() for _ in range(20)) / canary.baseline_s < 2


def test_its_numbers_never_decay(canary: Canary) -> None:
    """1.5 * 0.5 + 0.75 is 1.5 again: no overflow and no denormal number ever changes its speed."""
    for _ in range(50):
        canary.work_s()
    assert (canary._values == 1.5).all()


def test_half_the_speed_shows_as_twice_the_time(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    beat = canary._work

    def slowed(*arguments: int, **keywords: int) -> None:
        beat(*arguments, **keywords)
        beat(*arguments, **keywords)

    usual = min(canary.work_s() for _ in range(20))
    monkeypatch.setattr(canary, "_work", slowed)
    assert 1.5 < min(canary.work_s() for _ in range(20)) / usual < 3


def test_its_first_passes_are_off_the_clock(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the last backend left in the caches is not the machine's speed."""
    events: list[str] = []

    def clock() -> float:
        events.append("clock")
        return 1.5 * events.count("clock")

    monkeypatch.setattr(time, "perf_counter", clock)
    monkeypatch.setattr(canary, "_work", lambda sweeps=SWEEPS: events.append(f"{sweeps} sweeps"))
    assert canary.work_s() == 1.5
    assert events == [f"{SWEEPS // 10} sweeps", "clock", f"{SWEEPS} sweeps", "clock"]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not let us choose cores")
def test_it_beats_on_the_cores_of_the_turns_and_goes_back(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is compared with ran there; and the harness itself belongs to all cores."""
    before = os.sched_getaffinity(0)
    seen: list[set[int]] = []
    monkeypatch.setattr(canary, "_work", lambda sweeps=SWEEPS: seen.append(os.sched_getaffinity(0)))
    canary.work_s([max(before)])
    canary.work_s()
    assert seen == [{max(before)}] * 2 + [before] * 2
    assert os.sched_getaffinity(0) == before
