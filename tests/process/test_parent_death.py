"""A process that is tied to its parent's life ends with it, and one whose parent has ended already ends at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

# A parent that starts a child, says its number, and ends when it is told to.
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.readline()
os._exit(0)
"""
TIED = """
import sys, time
from pointwise_bench.suites.harness.machine.parent_death import die_with
die_with(int(sys.argv[1]))
print("tied", flush=True)
time.sleep(1000)
"""
FREE = TIED.replace("die_with(int(sys.argv[1]))", "")


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_gone_soon(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_gone(pid)


def orphan(program: str, stop: bool) -> int:
    """The number of a child that runs ``program`` and whose parent has ended."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    if stop:
        os.kill(child, signal.SIGSTOP)
    parent.communicate("\n", timeout=30)
    return child


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process's life to its parent's")
@pytest.mark.parametrize("stop", [False, True], ids=["running", "stopped"])
def test_a_tied_child_ends_with_its_parent_and_a_free_one_does_not(stop: bool) -> None:
    """The free one is the control."""
    tied, free = orphan(TIED, stop), orphan(FREE, stop)
    try:
        assert is_gone_soon(tied, 5.0)
        assert not is_gone(free)
    finally:
        for child in (tied, free):
            if not is_gone(child):
                os.kill(child, signal.SIGKILL)


def test_who_comes_too_late_ends_at_once() -> None:
    """The parent that it names is not the one that it has."""
    command = [sys.executable, "-c", TIED, str(os.getpid() + 1)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
