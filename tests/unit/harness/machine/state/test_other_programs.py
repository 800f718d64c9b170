"""How busy other programs are, and that what this run does is not theirs."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from pointwise_bench.suites.harness.machine.state import other_programs
from pointwise_bench.suites.harness.machine.state.other_programs import OtherPrograms

OURS, ITS_CHILD, OTHER, LATER, ENDED = 1, 2, 3, 4, 5


class MadeProcess:
    """One that has computed for so many seconds."""

    def __init__(self, pid: int, seconds: float, created: float = 0.0) -> None:
        self.pid, self._seconds, self._created = pid, seconds, created

    def cpu_times(self) -> Any:
        """As psutil's, or its error where the process is gone."""
        if self.pid == ENDED:
            raise psutil.NoSuchProcess(self.pid)
        return SimpleNamespace(user=0.75 * self._seconds, system=0.25 * self._seconds)

    def create_time(self) -> float:
        """In seconds."""
        return self._created

    def children(self, *, recursive: bool) -> list[MadeProcess]:
        """Workers and what they have started."""
        assert recursive
        return [MadeProcess(ITS_CHILD, 0.0)]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[MadeProcess]:
    """Those that there are; two cores, and a clock that stands at ten seconds later at each look."""
    there: list[MadeProcess] = []
    moments = iter([0.0, 10.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(other_programs, "available_cores", lambda: 2)
    monkeypatch.setattr(psutil, "Process", lambda: MadeProcess(OURS, 0.0))
    monkeypatch.setattr(psutil, "process_iter", lambda: iter(there))
    return there


def test_what_others_have_computed_since_is_a_part_of_the_cores(processes: list[MadeProcess]) -> None:
    processes[:] = [MadeProcess(OURS, 1.0), MadeProcess(OTHER, 100.0), MadeProcess(ENDED, 7.0)]
    others = OtherPrograms()
    processes[:] = [
        MadeProcess(OURS, 9.0),
        MadeProcess(ITS_CHILD, 9.0),
        MadeProcess(OTHER, 103.0),
        MadeProcess(LATER, 1.0, created=5.0),
    ]
    assert others.busy_share() == pytest.approx((3.0 + 1.0) / 10.0 / 2)


def test_a_number_that_was_given_to_another_process_is_not_the_one_before(processes: list[MadeProcess]) -> None:
    processes[:] = [MadeProcess(OTHER, 100.0)]
    others = OtherPrograms()
    processes[:] = [MadeProcess(OTHER, 2.0, created=5.0)]
    assert others.busy_cores() == pytest.approx(0.2)


def test_a_child_of_this_process_is_not_among_them() -> None:
    """On the real machine, on which others may compute meanwhile: so it is asked for the child alone."""
    spinning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert spinning.pid not in {pid for pid, _ in other_programs._taken_s()}
    finally:
        spinning.kill()
        spinning.wait()
