"""Finding processes by the mark in their environment, whichever group and parent they have.

A child of a worker that calls ``setsid`` or forks twice leaves its group, its session and its parent. What it keeps is
the environment that it was started with: ``/proc/<pid>/environ`` shows that, whatever ``os.environ.clear()`` did to the
copy that programs read. A program that is started with an environment of its own is found as long as it has a marked
ancestor: a worker is made the parent of whatever its children leave behind (:func:`adopt_orphans`), so that is as long
as the worker lives. Linux only; elsewhere nothing is found.

Imports next to nothing: :mod:`reaper` is run with it as a program of its own, without ``site``.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "POINTWISE_BENCH_WORKER"
"""The environment variable whose value is a worker's mark."""
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


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


def all_pids() -> set[int]:
    """Ids of all processes; none where there is no ``/proc``."""
    if sys.platform != "linux":
        return set()
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208  # pathlib takes time to import


def carrying_among(mark: str, pids: set[int]) -> list[int]:
    """Those of ``pids`` that carry the mark or descend from one that does: :func:`carrying` for a few new processes."""
    return [pid for pid in pids if _carries(f"{VARIABLE}={mark}".encode(), pid)]


def newest_pid() -> bytes:
    """The id that was given out last, to a process or a thread: the same again means that none was started between.

    Takes some microseconds, where :func:`carrying` takes milliseconds. Nothing where the system does not tell.
    """
    return _read("/proc/loadavg").rpartition(b" ")[2]


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends: it stays their ancestor."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def _carries(needle: bytes, pid: int) -> bool:
    while pid > 1 and pid != os.getpid():
        if needle in _read(f"/proc/{pid}/environ"):
            return True
        pid = _state_and_parent(pid)[1]
    return False


def _parents() -> dict[int, int]:
    """The parent of every living process. See proc(5): state and parent follow the name, which may hold anything."""
    found = {}
    for pid in all_pids():
        state, parent = _state_and_parent(pid)
        if state not in (b"", b"Z", b"X"):
            found[pid] = parent
    return found


def _state_and_parent(pid: int) -> tuple[bytes, int]:
    fields = _read(f"/proc/{pid}/stat").rpartition(b") ")[2].split(b" ", 2)
    return (fields[0], int(fields[1])) if len(fields) == 3 else (b"", 0)


def _read(path: str) -> bytes:
    """The content of a file; nothing where it is gone, or may not be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # pathlib takes time to import
            return file.read()
    except OSError:
        return b""
