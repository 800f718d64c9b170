"""The processes that one worker has started: found behind its requests, stopped and woken with it wherever they are.

Those in its group are stopped and woken by the group's number. Of those that have left it, each has a descriptor here,
as numbers are given out anew; how many may live is bounded, since the harness has a limited number of descriptors for
all workers and for everything else.
"""

from __future__ import annotations

import os
import resource
import select
import signal
from contextlib import suppress
from typing import Final

from pointwise_bench.suites.harness.worker import limits, marked_processes, reaper
from pointwise_bench.suites.harness.worker.marked_processes import Carriers, Descendants
from pointwise_bench.suites.harness.worker.started.stopping import await_stopped

MOST_UNWAITED = 1000  # ended processes that a worker may leave unwaited: each keeps one of the machine's numbers
MOST_OUTSIDE = 256
"""Living processes outside of a worker's group, at most: libraries that start programs start one for each core, and
leave them in the group."""
SHARE_OF_DESCRIPTORS: Final = 16
"""... and a sixteenth of the descriptors that the harness may have, which are 1,024 on many systems: a dozen backends
that go to the bound leave it a quarter."""
MOST_ROUNDS = 20  # of looking, where each has found others outside of the group since the last one
MOST_BEGINNING = 16  # processes that have a number and are in no list yet
LONGEST_CHASE_S = 0.1  # of one that is stopped only before it has started another
STOPPING_S = 0.1  # until those that were told to stop have


def most_outside() -> int:
    """How many living processes a worker may have outside of its group."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_OUTSIDE if most == resource.RLIM_INFINITY else min(MOST_OUTSIDE, most // SHARE_OF_DESCRIPTORS)


class StartedProcesses:
    """Those of one worker."""

    def __init__(self, whose: Carriers | Descendants, worker: int) -> None:
        """``whose``: how its processes are found. ``worker``: the number of the worker, and of its group."""
        self._whose = whose
        self._worker = worker
        self._outside: dict[int, int] = {}  # descriptors of those that left the group, by number
        self._most_outside = most_outside()
        self._stopping: list[int] = []  # those of them that may not stand still yet
        self._started: set[int] = set()  # all of them, as far as they were there at a look
        self._newest = b""  # see marked_processes.newest_pid, at the last look for such processes
        self._seen: set[int] = set()  # all processes of the machine that were there then
        self._unwaited = 0  # processes found that had ended, and that the worker did not wait for
        self.too_many = ""
        """What is too much about them, once it is: the worker is to be ended."""

    def look(self) -> bool:
        """Behind a request, when the worker is stopped: stop those outside of the group. Whether anybody is new.

        Looking at all takes some 40 us for each process of the machine, which on every problem was a thirtieth of all
        time. So after the first request only new processes are looked at, and none where none was started. Whoever is
        missed by that, under the number of one that has ended since, is killed at the end.

        Whoever runs outside of the group may have started others until it was stopped, and a link of a chain may be
        gone from the list before its turn comes. So all is looked at again, once those that were found have stopped,
        until nobody is found; where that has no end, the worker is to be.
        """
        self._stopping = [*self._outside]
        rounds, again = 0, self._note_moved()
        while (newest := self._newest_at_rest()) != self._newest or again:
            rounds += 1
            again = self._look_at_new(newest) or self._look_at_newest()
            if not again and marked_processes.newest_pid() != newest:
                chased = reaper.chase(self._whose, int(newest), self._note_outside, LONGEST_CHASE_S)
                again = chased is not False or self._look_at_newest()
            if not again or self.too_many:
                break
            if rounds >= MOST_ROUNDS:
                self.too_many = "left processes outside of its group that start others faster than they can be stopped"
        if rounds:
            self._forget_ended()
        return rounds > 0

    @property
    def living(self) -> set[int]:
        """All that were there at the last look, in the group and outside."""
        return self._started

    def send(self, number: signal.Signals) -> None:
        """Send a signal to those outside of the group."""
        for descriptor in self._outside.values():
            with suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(descriptor, number)

    def cpu_s(self) -> float:
        """Processor seconds of the living ones, which the worker's own account does not show."""
        return limits.cpu_seconds(self._started) if self._started else 0.0

    def forget_others(self) -> None:
        """Of those that were there at a look some may have ended, and their numbers been given to others."""
        self._started = {*self._whose.among(self._started)}

    def forget(self) -> None:
        """Close all descriptors."""
        for descriptor in self._outside.values():
            os.close(descriptor)
        self._outside = {}

    # --- finding --------------------------------------------------------------------------------------------

    def _look_at_new(self, newest: bytes) -> bool:
        """Look at what is new since the last look, at everybody in the first. Whether any is outside of the group.

        A process that is stopped while it starts another has started it by the time that it stands still.
        """
        present = marked_processes.all_pids()
        found = self._whose.among(present - self._seen) if self._seen else self._whose.all()
        self._unwaited += marked_processes.unwaited(present - self._seen, self._worker)
        self._newest, self._seen = newest, present
        self._started = (self._started & present) | ({*found} - {self._worker})
        if self._unwaited > MOST_UNWAITED:
            self.too_many = f"left over {MOST_UNWAITED} processes that had ended, and that it did not wait for"
        return sum(map(self._note_outside, found)) > 0  # any() would end at the first

    def _look_at_newest(self) -> bool:
        """Look at the last few numbers: one is given out before its process is in any list."""
        newest = reaper.newest_number()
        near = {*range(newest - MOST_BEGINNING, newest + 1)} - self._outside.keys() - self._seen
        return sum(map(self._note_outside, self._whose.among(near))) > 0

    def _newest_at_rest(self) -> bytes:
        """The newest number once those that were told to stop have: before, they may be starting somebody."""
        await_stopped(self._stopping, STOPPING_S)
        self._stopping = []
        return marked_processes.newest_pid()

    def _note_moved(self) -> bool:
        """Those that were in the group when they were new, and have left it since: to start somebody is not needed."""
        moved = {pid for pid in self._started - self._outside.keys() if reaper.group_of(pid) not in (self._worker, 0)}
        return bool(moved) and sum(map(self._note_outside, self._whose.among(moved))) > 0

    def _note_outside(self, pid: int) -> bool:
        """Stop a process, and keep a descriptor of it, if it is outside of the group, and was not known to be."""
        if reaper.group_of(pid) in (self._worker, 0):
            return False
        reaper.send(pid, signal.SIGSTOP)  # at once, before it starts another
        self._stopping.append(pid)
        if len(self._outside) >= self._most_outside or pid in self._outside:
            self._forget_ended()
        if pid in self._outside:
            return False
        if len(self._outside) >= self._most_outside:
            self.too_many = f"left over {self._most_outside} processes outside of its group"
        elif (descriptor := _descriptor_of(pid)) is not None:
            self._outside[pid] = descriptor
            self._started.add(pid)
        return True

    def _forget_ended(self) -> None:
        """Close the descriptors of those that have ended: of a chain of processes there is one for each."""
        polled = select.poll()
        for descriptor in self._outside.values():
            polled.register(descriptor, select.POLLIN)  # what a process's descriptor shows when it has ended
        ended = {descriptor for descriptor, _ in polled.poll(0)}
        for descriptor in ended:
            os.close(descriptor)
        self._outside = {pid: each for pid, each in self._outside.items() if each not in ended}


def _descriptor_of(pid: int) -> int | None:
    """A descriptor of the process; none where it is gone, or the system has no such descriptors."""
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None
