"""What a worker may take from the machine, and takes: memory, files on disk, processor time of what it has started."""

from __future__ import annotations

import os
import resource
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.5  # of the memory that is available when a worker starts
LARGEST_FILE = 2**30  # bytes; a backend that writes without end must not fill the disk with its log
FIRST_TO_GO = 1000  # the highest value of oom_score_adj, see proc(5)
GIB = 2**30
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Limits:
    """What one process may take; its children each may as much, which only the harness, from outside, can add up."""

    memory_bytes: int
    file_bytes: int = LARGEST_FILE

    def impose(self) -> None:
        """Limit this process and all that it will start, for good. Called before a plugin is loaded.

        ``RLIMIT_DATA``, the memory that a process can write to and shares with nobody, and not ``RLIMIT_AS``: CUDA, JAX
        and others reserve address space far beyond the machine's memory and never touch it. Shared memory is not in
        it; the harness looks at what is resident from outside. Should the machine still run out of memory, the kernel
        is to end this process and not the harness.
        """
        _lower(resource.RLIMIT_DATA, self.memory_bytes)
        _lower(resource.RLIMIT_FSIZE, self.file_bytes)
        _lower(resource.RLIMIT_CORE, 0)
        with suppress(OSError):  # Linux only; a process may always raise its own value
            Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))


def present_limits() -> Limits:
    """Of a worker that starts now: half of the memory that is available, within the control group's limit."""
    import psutil  # not in the worker, which keeps to the limit and never computes it

    available = [psutil.virtual_memory().available]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # control groups, versions 2 and 1
        with suppress(OSError, ValueError):  # no such file, or "max"
            available.append(int((Path("/sys/fs/cgroup") / name).read_text()))
    return Limits(int(min(available) * SHARE))


def kills_for_memory() -> int | None:
    """How many processes the kernel has ended since it started because memory ran out; None where it does not tell.

    Of the whole machine, control groups included (``oom_kill``, Linux 4.13).
    """
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/vmstat").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("oom_kill ")).split()[1])
    return None


def resident_bytes(pids: Collection[int]) -> int:
    """Memory that these processes of one worker hold, shared pages counted once; 0 where there is no ``/proc``."""
    return sum(map(_proportional_bytes, pids)) if len(pids) > 1 else sum(map(_resident_bytes, pids))


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor seconds that the living threads of these processes have used, to the nanosecond; 0 for who is gone.

    ``/proc/<pid>/stat`` counts in ticks of 10 ms, which is twice a turn. See ``schedstat`` in the kernel's
    sched-stats.rst; nothing where the system does not tell.
    """
    nanoseconds = 0
    for pid in pids:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError, ValueError, IndexError):
                    nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds * 1e-9


def _lower(which: int, value: int) -> None:
    """Lower both limits, so that it cannot be taken back; never raise one that the user has set."""
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with suppress(ValueError, OSError):  # not every system keeps every limit
        resource.setrlimit(which, (value, value))


def _resident_bytes(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional_bytes(pid: int) -> int:
    """Resident memory with each shared page divided by its users: forked children share nearly everything."""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024
    return _resident_bytes(pid)
