"""Small programs as processes of their own, for the tests of whatever finds, stops and ends processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

SLEEPS = "import time; print('ready', flush=True); time.sleep(1000)"

FORKS = """
import os, time
child = os.fork()
if child:
    print(child, flush=True)
time.sleep(1000)
"""
"""Says the number of its child."""

RUNS_AWAY = """
import os, sys, time
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(writing, str(os.getpid()).encode())
        time.sleep(1000)
    os._exit(0)
os.waitpid(child, 0)
print(os.read(reading, 20).decode(), flush=True)
time.sleep(1000)
"""
"""Says the number of its grandchild, which has a session of its own and lost its parent."""


@contextmanager
def program(text: str, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``text`` as a program in a group of its own, and the first line that it wrote; ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", text, *arguments],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def is_gone(pid: int) -> bool:
    """Whether no process of that number runs; one that nobody has waited for runs no longer."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def becomes_true(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether ``condition`` holds within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def end(pid: int) -> None:
    """Kill a process that the test has made and that may be gone."""
    if not is_gone(pid):
        psutil.Process(pid).kill()
