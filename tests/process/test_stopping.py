"""Waiting until processes stand still."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pointwise_bench.suites.harness.worker.marked_processes import has_stopped
from pointwise_bench.suites.harness.worker.started import stopping
from pointwise_bench.suites.harness.worker.started.stopping import await_stopped

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the state of each thread")


@pytest.fixture
def pair() -> Iterator[list[int]]:
    started = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(2)]
    yield [each.pid for each in started]
    for each in started:
        each.kill()
        each.wait()


def test_all_are_awaited(pair: list[int]) -> None:
    os.kill(pair[0], signal.SIGSTOP)
    assert await_stopped(pair[:1], 10.0)
    assert not await_stopped(pair, 0.01)
    os.kill(pair[1], signal.SIGSTOP)
    assert await_stopped(pair, 10.0)
    assert await_stopped((), 0.0)


def test_who_has_woken_another_before_it_stopped_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first was stopped when it was looked at, and woken before the second was."""
    seen = iter([True, True, False, True])
    monkeypatch.setattr(stopping, "has_stopped", lambda pid: next(seen))
    assert not await_stopped((1, 2), 10.0)


def test_who_waits_in_the_kernel_counts_once_the_time_is_up() -> None:
    """A parent waits so for what it starts by vfork, which is stopped before it is another program."""
    text = "import ctypes, os, signal\nif ctypes.CDLL(None).vfork() == 0:\n os.kill(os.getpid(), signal.SIGSTOP)"
    parent = subprocess.Popen([sys.executable, "-S", "-c", text], start_new_session=True)
    try:
        deadline = time.monotonic() + 10.0
        while has_stopped(parent.pid) or not has_stopped(parent.pid, waiting=True):
            assert time.monotonic() < deadline
        os.killpg(parent.pid, signal.SIGSTOP)
        began = time.monotonic()
        assert await_stopped((parent.pid,), 0.05)
        assert time.monotonic() - began >= 0.05
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.wait()
