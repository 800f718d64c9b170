"""Finding processes by their ancestor, or by the mark in their environment, whichever group and parent they have.

A child of a worker that calls ``setsid`` or forks twice leaves its group, its session and its parent. Where a worker
has a keeper, everything that it starts stays beneath that, whatever it does (:mod:`starting.keeper`), and is found as
the keeper's descendants (:class:`Descendants`). For other workers, and for the watchdog, there are three signs, of
which each can be given up by whoever is set on it (:class:`Carriers`).

The environment that it was started with: ``/proc/<pid>/environ`` shows that, whatever ``os.environ.clear()`` did to
the copy that programs read. (That of a worker which a server has forked is the server's: such a one is known by its
number and by the limit below, and what it starts by an environment of its own.) A program that is started with an
environment of its own is found as long as it has a marked ancestor: a worker is made the parent of whatever its
children leave behind (:func:`adopt_orphans`), so that is as long as the worker lives.

Whoever gives that up too, and starts a program without environment and parent, keeps the worker's limits, which no
program can raise but a superuser's on purpose. So the limit on file locks, which has limited nothing since Linux
2.4.25, is lowered to a number that stands for the mark (:func:`brand`). Who lowers it once more has lost that as well.

The harness does not adopt orphans itself: its process is the user's, would collect the orphans of everybody that it
starts, and could tell none from the others.

Linux only; elsewhere nothing is found.

Imports next to nothing: :mod:`reaper` is run with it as a program of its own, without ``site``.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "POINTWISE_BENCH_WORKER"
"""The environment variable whose value is a worker's mark."""
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
RLIMIT_LOCKS = 10  # asm-generic/resource.h
WORKERS = 2**20  # of a run, at most: numbers of its limits
MOST_ASKED = 5  # times where parents end meanwhile, of which each is another one


def carrying(mark: str, worker: int = 0) -> list[int]:
    """Ids of the living processes whose mark begins with ``mark``, and of all their descendants, but not our own.

    Those of ``worker`` too, whatever it has done to what shows its mark.
    """
    parents, shows = _parents(), _Sign(mark).shows
    found = {pid for pid in parents if pid == worker or shows(pid)}
    return sorted(_and_descendants(found, parents) - {os.getpid()})


def all_pids() -> set[int]:
    """Ids of all processes; none where there is no ``/proc``."""
    if sys.platform != "linux":
        return set()
    return {int(name) for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208  # pathlib takes time to import


def carrying_among(mark: str, pids: set[int], worker: int = 0) -> list[int]:
    """Those of ``pids`` that carry the mark or descend from one that does: :func:`carrying` for a few new processes."""
    sign = _Sign(mark)
    return [pid for pid in pids if _is_alive(pid) and _carries(sign, pid, worker)]


class Carriers:
    """Those that :func:`carrying` finds."""

    def __init__(self, mark: str, worker: int = 0) -> None:
        self._mark, self._worker = mark, worker

    def all(self) -> list[int]:
        """Ids of the living ones."""
        return carrying(self._mark, self._worker)

    def among(self, pids: set[int]) -> list[int]:
        """Those of ``pids`` that are among them, for a few new processes."""
        return carrying_among(self._mark, pids, self._worker)


class Descendants:
    """Those beneath a process that adopts orphans, which is their ancestor for as long as it lives."""

    def __init__(self, ancestor: int) -> None:
        self._ancestor = ancestor

    def all(self) -> list[int]:
        """Ids of the living ones."""
        parents = _parents()
        # Whose parent has ended while the others were read has a new one by now.
        lost = self.among({pid for pid, parent in parents.items() if parent and parent not in parents})
        return sorted(_and_descendants({self._ancestor, *lost}, parents) - {self._ancestor})

    def among(self, pids: set[int]) -> list[int]:
        """Those of ``pids`` that are among them, for a few new processes."""
        return [pid for pid in pids if self._has(pid)]

    def _has(self, pid: int) -> bool:
        """Asked again where a parent on the way has ended, and who adopts its children is their parent now."""
        for _ in range(MOST_ASKED):
            state, parent = _state_and_parent(pid)
            if state in (b"", b"Z", b"X"):
                return False
            while state and parent > 1 and parent != self._ancestor:
                state, parent = _state_and_parent(parent)
            if state:
                return parent == self._ancestor
        return False


def _is_alive(pid: int) -> bool:
    return _state_and_parent(pid)[0] not in (b"", b"Z", b"X")


def unwaited(pids: set[int], parent: int) -> int:
    """How many of ``pids`` have ended, and keep their number because ``parent`` does not ask what became of them."""
    return sum(_state_and_parent(pid) == (b"Z", parent) for pid in pids)


def has_stopped(pid: int, *, waiting: bool = False) -> bool:
    """Whether a process is stopped with all of its threads, or has ended; or waits in the kernel, if that is asked.

    Its own state is that of its first thread: of two thousand that slept it was stopped while the others still had to
    be woken for it, one after the other, in the turn of whoever came next. Those of its threads that have been stopped
    stay so, and no new ones come.
    """
    at_rest = (b"T", b"t", b"Z", b"X", b"", *([b"D"] if waiting else []))
    stats = (f"/proc/{pid}/stat", *(f"/proc/{pid}/task/{thread}/stat" for thread in _threads(pid)))
    return all(_read(stat).rpartition(b") ")[2][:1] in at_rest for stat in stats)


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  # pathlib takes time to import
    except OSError:
        return []


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


def brand(mark: str) -> None:
    """Lower a limit of this process, and of all that it will start, to a number that stands for ``mark``."""
    if sys.platform == "linux":
        import resource

        low, _ = _numbers(mark)
        try:  # noqa: SIM105  # as in reaper
            resource.setrlimit(RLIMIT_LOCKS, (low, low))
        except (ValueError, OSError):  # it was lower already: no system sets it, but a user may
            pass


class _Sign:
    """What shows that a process carries ``mark``, or one that begins with it."""

    def __init__(self, mark: str) -> None:
        self._needle = f"{VARIABLE}={mark}".encode()
        self._low, self._high = _numbers(mark)

    def shows(self, pid: int) -> bool:
        """In the environment that the process was started with, or in its limits."""
        return self._needle in _read(f"/proc/{pid}/environ") or self._low <= _limit_on_locks(pid) < self._high


def _numbers(mark: str) -> tuple[int, int]:
    """From where to where the limits of the processes with a mark are that begins like this one.

    A worker's mark is its run's and a number, each with a ``/`` behind it. FNV-1a, which needs no import.
    """
    run, _, rest = mark.partition("/")
    code = 0xCBF29CE484222325
    for byte in run.encode():
        code = (code ^ byte) * 0x100000001B3 % 2**64
    first = (code % 2**42 + 1) * WORKERS
    number = rest.rstrip("/")
    if not number.isdecimal():
        return first, first + WORKERS
    return first + int(number) % WORKERS, first + int(number) % WORKERS + 1


def _limit_on_locks(pid: int) -> int:
    """The hard one; -1 where there is none, or the process is gone."""
    _, found, rest = _read(f"/proc/{pid}/limits").partition(b"Max file locks")
    words = rest.split(None, 2) if found else []
    return int(words[1]) if len(words) == 3 and words[1].isdigit() else -1


def _carries(sign: _Sign, pid: int, worker: int) -> bool:
    while pid > 1 and pid != os.getpid():
        if pid == worker or sign.shows(pid):
            return True
        pid = _state_and_parent(pid)[1]
    return False


def _and_descendants(found: set[int], parents: dict[int, int]) -> set[int]:
    generation = found
    while generation:
        generation = {pid for pid, parent in parents.items() if parent in generation} - found
        found = found | generation
    return found


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
    """The content of a file; nothing where it is gone, or may not be read.

    Not by ``open``: two files are read of every process of the machine, and it takes twice the time.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        content = b""
        while part := os.read(descriptor, 2**16):
            content += part
        return content
    except OSError:
        return b""
    finally:
        os.close(descriptor)
