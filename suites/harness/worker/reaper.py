"""Killing a worker with everything that it has started, wherever that has gone.

The harness does so with :func:`kill`. Should the harness itself be killed, the watchdog does it: this file, run as a
program, ``python reaper.py MARK``. It reads process groups from its input, ``+7`` to watch one and ``-7`` to forget it,
and folders for temporary files, ``>`` and ``<`` before the hexadecimal bytes of their path. When the input ends,
because the harness did, it kills and deletes what is left. It imports next to nothing: it is started by its path,
without ``site`` (see :mod:`watchdog`).
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False  # as that of typing, which takes time to import
if TYPE_CHECKING:
    from collections.abc import Callable

if __name__ == "__main__":
    # Started by its path, the watchdog finds its neighbour there; the package would bring in all that it imports.
    sys.path.insert(0, os.path.dirname(__file__))  # noqa: PTH120  # pathlib takes time to import
    import marked_processes  # type: ignore[import-not-found, unused-ignore]
else:
    from pointwise_bench.suites.harness.worker import marked_processes

LONGEST_S = 3.0  # of trying to kill processes, which may multiply meanwhile
PAUSE_S = 0.01
CHASED_S = 0.002  # in which a chain of processes shows itself, each of which lives for less than a millisecond
EMPTY_LOOKS = 3  # in a row, where others start processes meanwhile; else one
MOST_NEW = 64  # numbers that are looked at in one step of a chase


def kill(group: int, mark: str) -> None:
    """Kill the process group of a worker and all processes that carry its mark, in whichever group they are."""
    send(-group, signal.SIGSTOP)  # so that none is started, or loses its parent, while they are looked for
    outside = [pid for pid in marked_processes.carrying(mark, group) if group_of(pid) != group]
    send(-group, signal.SIGKILL)
    for pid in outside:
        send(pid, signal.SIGKILL)
    kill_marked(mark)


def kill_marked(mark: str) -> None:
    """Kill all processes whose mark begins with ``mark``, again until none is left."""
    whose, deadline, empty = marked_processes.Carriers(mark), time.monotonic() + LONGEST_S, 0
    while empty < EMPTY_LOOKS and time.monotonic() < deadline:
        newest = newest_number()
        found = whose.all()
        for pid in found:
            _kill(pid)
        if not found and newest_number() == newest:
            return  # and nobody was started meanwhile
        if chase(whose, newest, _kill) is not False or found:
            empty = 0
            time.sleep(PAUSE_S if found else 0.0)
        else:
            empty += 1


def chase(
    whose: marked_processes.Carriers | marked_processes.Descendants,
    newest: int,
    act: Callable[[int], object],
    longest_s: float = LONGEST_S,
) -> bool | None:
    """Have ``act`` on those of ``whose`` that were started since ``newest``; look for a moment. Whether there were any.

    At the latest after ``longest_s``: None where there were some until then. A chain of processes, each of which starts
    the next and ends, is gone from every list of processes before that is read to its end. Its last link is stopped
    only before it has started another: looked at one by one, at once.
    """
    found, now = False, time.monotonic()
    until, longest = now + CHASED_S, now + longest_s
    while now < until or newest_number() != newest:  # a look that waits for a core may come too late
        before, newest = newest, newest_number()
        for pid in range(newest, max(before, newest - MOST_NEW), -1):
            if whose.among({pid}):
                act(pid)
                found = True
                until = time.monotonic() + CHASED_S
                break
        now = time.monotonic()
        if now > longest:
            return None if found else False
    return found


def newest_number() -> int:
    """The number that was given out last, to a process or a thread; 0 where the system does not tell."""
    told = marked_processes.newest_pid().strip()
    return int(told) if told.isdigit() else 0


def _kill(pid: int) -> None:
    send(pid, signal.SIGKILL)


def send(pid: int, number: int) -> None:
    """Send a signal to a process, or to the group ``-pid``, that may be gone."""
    try:  # noqa: SIM105  # contextlib takes time to import
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def group_of(pid: int) -> int:
    """The process group of a process; 0 where the process is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def watch(mark: str) -> None:
    """Wait for the end of the harness, then kill what it left, and delete its folders: what the watchdog does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the harness, whose end is what counts here
    groups: set[int] = set()
    folders: set[str] = set()
    for line in sys.stdin.buffer:
        sign, rest = line[:1], line[1:].decode()
        if sign in b"+-":
            (groups.add if sign == b"+" else groups.discard)(int(rest))
        else:
            (folders.add if sign == b">" else folders.discard)(os.fsdecode(bytes.fromhex(rest)))
    for group in groups:
        send(-group, signal.SIGKILL)
    kill_marked(mark)
    if folders:
        from shutil import rmtree  # takes time to import, and only the killed leave folders

        for folder in folders:
            rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch(sys.argv[1])
