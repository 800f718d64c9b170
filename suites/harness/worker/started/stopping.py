"""Waiting until processes that were told to stop stand still."""

from __future__ import annotations

import time
from collections.abc import Collection

from pointwise_bench.suites.harness.worker.marked_processes import has_stopped

LOOKING_S = 20e-6  # between two looks at whether a process has stopped; the system makes some 70 us of it


def await_stopped(pids: Collection[int], longest_s: float) -> bool:
    """Wait until all of ``pids`` are stopped, or have ended, for ``longest_s`` seconds at most. Whether they are.

    Asleep: each of their threads has to run once more to be stopped. Where one spins on the other of two cores, this
    process had kept from the rest the only core that was left, by looking and yielding: 2 ms, now 0.2.

    Of several each is looked at twice. One may wake another before it stops itself; but who was stopped at both looks
    was so when the last one had stopped, and then nobody was left to wake anybody.

    Who waits in the kernel, where nothing stops it, counts at the end, since it stops before its next instruction: a
    program that is started by ``vfork`` may be stopped itself while it is waited for so.
    """
    deadline = time.monotonic() + longest_s
    left = [*pids]
    while left:
        if has_stopped(left[-1]):
            left.pop()
        elif time.monotonic() < deadline:
            time.sleep(LOOKING_S)
        else:
            return all(has_stopped(pid, waiting=True) for pid in pids)
    return len(pids) == 1 or all(map(has_stopped, pids))
