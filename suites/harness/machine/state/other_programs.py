"""How busy other programs keep the cores, by the processor time of every process that is none of this run's.

Beside them starts disagree more, so that telling leaders apart takes more of the time: see :class:`ScreeningPolicy`.
Rejected: the load average, which is that of a minute and counts this run as well; and the canary, by which a third of
all rounds were disturbed on a shared virtual machine, with and without a program that was busy half of the time. What
runs outside of a container, or as another user where the system hides that, is not seen.
"""

from __future__ import annotations

import time

import psutil

from pointwise_bench.common.cores import available_cores

ProcessKey = tuple[int, float]  # the number of a process is given to others later: with the moment of its creation


class OtherPrograms:
    """Looks at all processes when it is made, and whenever it is asked: some milliseconds for a few hundred of them."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = _taken_s()

    def busy_cores(self) -> float:
        """Cores that they were busy for, in the mean since this was made; 0.5 is a program busy half of the time."""
        seconds = time.monotonic() - self._began
        taken_s = sum(max(0.0, now_s - self._before.get(key, 0.0)) for key, now_s in _taken_s().items())
        return taken_s / seconds if seconds > 0 else 0.0

    def busy_share(self) -> float:
        """The same as a part of the cores that this run may use; over 1 where others have more of them."""
        return self.busy_cores() / available_cores()


def _taken_s() -> dict[ProcessKey, float]:
    """Processor seconds of each process that neither is this one nor descends from it."""
    own = psutil.Process()
    ours = {own.pid, *(child.pid for child in own.children(recursive=True))}
    found: dict[ProcessKey, float] = {}
    for process in psutil.process_iter():
        if process.pid in ours:
            continue
        try:
            times = process.cpu_times()
            found[process.pid, process.create_time()] = times.user + times.system
        except psutil.Error:  # it has ended, or the system does not tell
            continue
    return found
