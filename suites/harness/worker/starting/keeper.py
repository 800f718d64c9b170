"""The process between a fork server and a worker, beneath which everything stays that the worker starts: its keeper.

A process whose parent ends gets the next one above it as its parent that adopts orphans. A worker is such a one, and
its plugin can undo that; its keeper is one as well, in which no plugin ever runs. So whoever leaves group, session,
parent, environment and limits is still beneath the keeper, and nobody else is. How it lowers its limits, or whose mark
it carries, says nothing.

A worker that no server forks has a keeper, too, but with another environment's Python, which may have another version
of this: the process that was started is that, and forks the worker. So it is with a process in which a plugin is
loaded for the first time.

The server alone could adopt the orphans of all of its workers, and nothing would tell them apart: who lowers the limit
that stands for its worker may lower it to a rival's number. Woken with that rival, it would take the rival's processor
in its turns, and count into its budget. So each worker has a keeper, which costs another fork of the server, some
milliseconds for each start, and sleeps.

It dies with nobody: its lifeline, a socket, ends when the harness lets go of it, or has ended, however that was. Then
it kills what is beneath it, again until it has no child left, which the kernel tells, and ends itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from contextlib import suppress
from types import FrameType
from typing import Any

from pointwise_bench.suites.harness.worker import marked_processes, reaper

FIRST_PAUSE_S = 0.001  # between two rounds of killing: how long most need to end
LONGEST_PAUSE_S = 1.0  # where something does not end, which in the kernel it may for long
LONGEST_CHASE_S = 0.1  # of a chain of processes in each round, and of nobody where others start processes meanwhile


def fork_kept(lifeline: socket.socket, theirs: tuple[int, ...]) -> int:
    """Fork a worker, in which alone this returns, with its parent's number: this process keeps it, and then ends.

    ``theirs`` are descriptors that are the worker's alone.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the server ignores it, and the worker's programs must not
    marked_processes.adopt_orphans()
    keeper, code = os.getpid(), 1
    worker = os.fork()
    if worker == 0:
        lifeline.close()
        return keeper
    try:
        for descriptor in theirs:
            os.close(descriptor)
        Keeper(lifeline, worker).serve()
        code = 0
    finally:
        os._exit(code)


class Keeper:
    """What it does once the worker is there."""

    def __init__(self, lifeline: socket.socket, worker: int) -> None:
        self._lifeline = lifeline
        self._worker = worker

    def serve(self) -> None:
        """Tell who the worker is, and how it has ended; when the harness lets go, end everything."""
        self._tell(pid=self._worker, keeper=os.getpid())
        signal.signal(signal.SIGCHLD, self._on_end_of_a_child)
        self._reap()  # who has ended before
        with suppress(OSError):
            self._lifeline.recv(1)  # which only ends: nothing is said here
        self._kill_all()
        self._tell(over=True)

    def _on_end_of_a_child(self, number: int, frame: FrameType | None) -> None:
        self._reap()

    def _reap(self) -> bool:
        """Ask what became of every child that has ended, adopted ones too. Whether any is left."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._worker:
                    self._worker = 0  # the number may come to mean another
                    self._tell(code=os.waitstatus_to_exitcode(status))
        return False

    def _kill_all(self) -> None:
        beneath, pause_s = marked_processes.Descendants(os.getpid()), FIRST_PAUSE_S
        while self._reap():
            newest = reaper.newest_number()
            for pid in beneath.all():
                reaper.send(pid, signal.SIGKILL)
            time.sleep(pause_s)
            if self._reap():
                reaper.chase(beneath, newest, lambda pid: reaper.send(pid, signal.SIGKILL), LONGEST_CHASE_S)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _tell(self, **what: Any) -> None:
        with suppress(OSError):  # the harness has ended
            self._lifeline.send(json.dumps(what).encode())
