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


def keep_to(cores: list[int]) -> None:
    """Keep every thread of this process to ``cores``. What cannot be moved stays where it is."""
    tasks = [int(task.name) for task in TASKS.iterdir()] if TASKS.exists() else [0]
    for task in tasks:
        with suppress(OSError):  # a thread may just have ended
            os.sched_setaffinity(task, cores)


@contextmanager
def kept_to(cores: list[int] | None) -> Iterator[None]:
    """All threads on ``cores`` meanwhile; None leaves them where they are."""
    everywhere = core_numbers()
    if cores is not None:
        keep_to(cores)
    try:
        yield
    finally:
        if cores is not None:
            keep_to(everywhere)
