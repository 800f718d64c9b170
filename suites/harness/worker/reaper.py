"""Finding and ending processes by the mark in their environment, wherever they have gone.

A child of a worker that calls ``setsid`` or forks twice leaves its group, its session and its parent. What it keeps is
the environment that it was started with: ``/proc/<pid>/environ`` shows that, whatever ``os.environ.clear()`` did to the
copy that programs read. A program that is started with an environment of its own is found as long as it has a marked
ancestor: a worker is made the parent of whatever its children leave behind (:func:`adopt_orphans`), so that is as long
as the worker lives. Linux only; elsewhere nothing is found.

Run as a program, ``python reaper.py RUN``, this is the guard of a run: it reads process groups from its input, ``+7``
to watch one and ``-7`` to forget it, and when the input ends, because the harness did, it ends what is left. It
imports next to nothing: it is started by its path, without ``site``.
"""

from __future__ import annotations

import os
import signal
import sys
import time

VARIABLE = "POINTWISE_BENCH_WORKER"
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
LONGEST_S = 3.0  # of trying to end processes, which may multiply meanwhile
PAUSE_S = 0.01


def carrying(mark: str) -> list[int]:
    """Ids of the living processes whose mark begins with ``mark``, and of all their descendants, but not our own."""
    needle = f"{VARIABLE}={mark}".encode()
    parents = _parents()
    found = {pid for pid in parents if needle in _read(f"/proc/{pid}/environ")}
    generation = found
    while generation:
        generation = {pid for pid, parent in parents.items() if parent in generation} - found
        found |= generation
    return sorted(found - {os.getpid()})


def everybody() -> set[int]:
    """Ids of all processes."""
    if sys.platform != "linux":
        return set()
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208  # pathlib takes time to import


def belonging(mark: str, pids: set[int]) -> list[int]:
    """Those of ``pids`` that carry the mark or descend from somebody who does: :func:`carrying` for a few newcomers."""
    return [pid for pid in pids if _belongs(f"{VARIABLE}={mark}".encode(), pid)]


def _belongs(needle: bytes, pid: int) -> bool:
    while pid > 1 and pid != os.getpid():
        if needle in _read(f"/proc/{pid}/environ"):
            return True
        pid = _state_and_parent(pid)[1]
    return False


def newest() -> bytes:
    """The id that was given out last, to a process or a thread: the same again means that none was started between.

    Takes some microseconds, where :func:`carrying` takes milliseconds. Nothing where the system does not tell.
    """
    return _read("/proc/loadavg").rpartition(b" ")[2]


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends: whoever runs away stays in its line."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end(mark: str) -> None:
    """Kill all processes whose mark begins with ``mark``, again until none is left."""
    deadline = time.monotonic() + LONGEST_S
    while (found := carrying(mark)) and time.monotonic() < deadline:
        for pid in found:
            send(pid, signal.SIGKILL)
        time.sleep(PAUSE_S)


def send(pid: int, number: int) -> None:
    """Send a signal to a process, or to the group ``-pid``, that may be gone."""
    try:  # noqa: SIM105  # contextlib takes time to import
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _parents() -> dict[int, int]:
    """The parent of every living process. See proc(5): state and parent follow the name, which may hold anything."""
    found = {}
    for pid in everybody():
        state, parent = _state_and_parent(pid)
        if state not in (b"", b"Z", b"X"):
            found[pid] = parent
    return found


def _state_and_parent(pid: int) -> tuple[bytes, int]:
    fields = _read(f"/proc/{pid}/stat").rpartition(b") ")[2].split(b" ", 2)
    return (fields[0], int(fields[1])) if len(fields) == 3 else (b"", 0)


def _read(path: str) -> bytes:
    """The content of a file; nothing where it is gone, or somebody else's."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # pathlib takes time to import
            return file.read()
    except OSError:
        return b""


def guard(mark: str) -> None:
    """Wait for the end of the harness, then end what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the harness, whose end is what counts here
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
    for group in groups:
        send(-group, signal.SIGKILL)
    end(mark)


if __name__ == "__main__":
    guard(sys.argv[1])
