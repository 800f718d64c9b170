"""On which cores a thread budget is timed.

Two cores of one machine can differ by a third for seconds, through what runs on their other hardware threads or in
other virtual machines. Backends whose turns land on different cores are compared with that in between: pinned to the
same cores, the error of a paired ratio fell to a third on the machine where this was tried. Every pass takes other
cores, so that no verdict depends on a single core.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pointwise_bench.common.cores import core_numbers

TASKS = Path("/proc/self/task")


def cores_of(threads: int, number: int) -> list[int] | None:
    """The cores for a budget of ``threads`` in pass ``number``; None where there is nothing to choose."""
    available = core_numbers()
    if threads >= len(available):
        return None
    first = -(1 + number) * threads
    return sorted(available[(first + place) % len(available)] for place in range(threads))


def keep_to(cores: list[int], *, started: bool = False) -> None:
    """Keep every thread of this process to ``cores``. What cannot be moved stays where it is.

    ``started``: and those of the processes that it has started, as a worker's: one that computes for its backend would
    have a core to itself otherwise, and time that is on no account. (The harness's own are its workers.)
    """
    for task in list(_tasks(started)) if TASKS.exists() else [0]:
        with suppress(OSError):  # a thread may just have ended
            os.sched_setaffinity(task, cores)


def _tasks(started: bool) -> Iterator[int]:
    """The threads of this process; and of all that descend from it, as far as the system tells whom it has started."""
    folders = [TASKS]
    while folders:
        for task in _listed(folders.pop()):
            yield int(task.name)
            if not started:
                continue
            with suppress(OSError):  # a kernel without CONFIG_PROC_CHILDREN, or the thread has ended
                folders += [TASKS.parents[1] / child / "task" for child in (task / "children").read_text().split()]


def _listed(folder: Path) -> list[Path]:
    with suppress(OSError):  # the process has ended
        return list(folder.iterdir())
    return []


@contextmanager
def kept_to(cores: list[int] | None, *, started: bool = False) -> Iterator[None]:
    """All threads on ``cores`` meanwhile, as :func:`keep_to`; None leaves them where they are."""
    everywhere = core_numbers()
    if cores is not None:
        keep_to(cores, started=started)
    try:
        yield
    finally:
        if cores is not None:
            keep_to(everywhere, started=started)
