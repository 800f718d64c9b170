"""What a process tells of itself beside its time: imports, libraries, page faults, peak memory."""

from __future__ import annotations

import builtins
import gc
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import Any

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """The collector is off inside, and afterwards as it was."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def import_time() -> Iterator[Callable[[], float]]:
    """Seconds spent in import statements so far, nested ones counted once.

    Backends import their heavy packages inside ``prepare``. That is paid once per process, not once per layer, so
    it is taken out of ``prepare_s``; without this the first layer of a run would seem to compile for seconds.
    """
    original, spent, depth = builtins.__import__, 0.0, 0

    def timed(*arguments: Any, **keywords: Any) -> Any:
        nonlocal spent, depth
        depth += 1
        began = perf_counter()
        try:
            return original(*arguments, **keywords)
        finally:
            depth -= 1
            if depth == 0:
                spent += perf_counter() - began

    builtins.__import__ = timed
    try:
        yield lambda: spent
    finally:
        builtins.__import__ = original


def libraries() -> list[dict[str, Any]]:
    """BLAS and threading libraries loaded in this process: name, version, kernel architecture, threads."""
    import threadpoolctl

    kept = ("internal_api", "version", "architecture", "threading_layer", "num_threads")
    return [{key: info.get(key) for key in kept} for info in threadpoolctl.threadpool_info()]


def page_faults() -> int:
    """Pages that this process has had mapped since it started, from memory or disk."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt + usage.ru_majflt


def forget_peak() -> None:
    """Let the high-water mark of resident memory begin anew, where the system can do that."""
    with suppress(OSError):
        CLEAR_REFS.write_text("5")  # man 5 proc_pid_clear_refs


def peak_rss_bytes() -> int:
    """High-water mark of this process's resident memory since :func:`forget_peak`, or since its start."""
    with suppress(OSError, StopIteration, ValueError):
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    kibibytes_or_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes_or_bytes if sys.platform == "darwin" else kibibytes_or_bytes * 1024
