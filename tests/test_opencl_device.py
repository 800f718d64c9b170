"""A real queue with real events: the device's clock against the host's, and work that is not waited for."""

from __future__ import annotations

import statistics

import pytest

from backends import Problem, registry
from suites.harness.examination import Examination
from suites.harness.gate import WrongAnswer
from suites.harness.subject import Subject

pytest.importorskip("pyopencl")
OpenCl = type(registry.get("opencl"))

LONG = Problem(batch=1, in_channels=512, out_channels=512, height=56, width=56)  # tens of milliseconds on one core


class Unsynchronised(OpenCl):  # type: ignore[misc, valid-type]  # a class found through the registry
    """Forgets to wait."""

    name = "opencl-unsynchronised"

    def sync(self) -> None:
        """Forgotten."""

    def device_timer(self) -> None:
        """None: it would need ``sync``."""
        return


@pytest.fixture(autouse=True)
def available() -> None:
    if reason := registry.get("opencl").missing():
        pytest.skip(reason)


def test_device_time_agrees_with_host_time_on_a_long_kernel() -> None:
    subject = Subject(OpenCl(), threads=1)
    subject.examine(LONG, Examination.of(LONG, seed=1))
    turns = [subject.turn(1, 0.0) for _ in range(7)]
    host = min(turn.seconds_per_call for turn in turns)
    device = min(turn.device_seconds_per_call or 0.0 for turn in turns)
    assert host > 0.01
    # The least of seven: both series are disturbed by whatever else this machine does.
    assert device == pytest.approx(host, rel=0.05)
    assert statistics.median(turn.cpu_s / turn.wall_s for turn in turns) <= 1.1


def test_a_queue_that_is_not_waited_for_is_refused() -> None:
    subject = Subject(Unsynchronised(), threads=1)
    with pytest.raises(WrongAnswer, match=r"is not finished when sync\(\) returns"):
        subject.examine(LONG, Examination.of(LONG, seed=1))
