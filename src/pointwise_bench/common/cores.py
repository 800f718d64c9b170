"""How many processor cores there are for this process, and how much of their time.

A container may be allowed fewer processors' worth of time than it has cores. A control group whose time is used up is
stopped for the rest of the period (100 ms as a rule): on four cores with a quota of two, a layer on four threads runs
for half of the time and stands still for the other half.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
OWN: Final = Path("/proc/self/cgroup")

DEFAULT_BUDGET: Final = "all cores, or those that a container may use at once"
"""What :func:`default_threads` counts, as the help of a command says it."""


def available_cores() -> int:
    """Cores that this process may use: its affinity, not the machine's count."""
    return len(core_numbers()) or os.cpu_count() or 1


def core_numbers() -> list[int]:
    """The numbers of those cores, ascending; none where the system does not let us choose among them."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []


def cpu_quota(cgroups: Path = CGROUPS, own: Path = OWN) -> float | None:
    """Processors' worth of time per second that the narrowest group allows; None where none is limited."""
    return min(_quotas(cgroups, own), default=None)


def default_threads() -> int:
    """The cores that this process may use, or fewer where a quota does not let it use them at once."""
    quota = cpu_quota()
    cores = available_cores()
    return cores if quota is None else max(1, min(cores, int(quota)))


def _quotas(cgroups: Path, own: Path) -> Iterator[float]:
    """Of every group around this process, in both versions of control groups. See the kernel's cgroup-v2.rst."""
    for controllers, group in _groups(own):
        for each in (group, *PurePosixPath(group).parents):
            inner = str(each).strip("/")
            if not controllers:
                yield from _quota(cgroups / inner / "cpu.max")
            elif "cpu" in controllers:
                for hierarchy in {",".join(controllers), "cpu"}:
                    folder = cgroups / hierarchy / inner
                    yield from _quota(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us")


def _groups(own: Path) -> Iterator[tuple[list[str], str]]:
    """Controllers (none: version 2) and path of each group that this process is in."""
    with suppress(OSError, ValueError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            yield controllers.split(",") if controllers else [], path


def _quota(*files: Path) -> Iterator[float]:
    """Quota over period, from one file with both or from one each; nothing where there is no limit."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (int(word) for file in files for word in file.read_text().split())  # "max" is no number
        if quota > 0:  # -1: no limit
            yield quota / period
