"""What a process tells of itself beside its time: imports, libraries, page faults, peak memory."""

from __future__ import annotations

import builtins
import gc
import os
import resource
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import Any

import pointwise_bench

_FOLDERS = {
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    *(*site.getsitepackages(), site.getusersitepackages(), str(Path(pointwise_bench.__file__).parent)),
}
INSTALLED: tuple[str, ...] = tuple(f"{folder}{os.sep}" for folder in _FOLDERS)
"""How the places of modules begin that were not written for one backend: packages are, and Python and this project."""

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
    """Seconds spent so far in import statements of what is installed, nested ones counted once.

    Backends import their heavy packages inside ``prepare``. That is paid once per process, not once per layer, so
    it is taken out of ``prepare_s``; without this the first layer of a run would seem to compile for seconds. What a
    plugin does in a module or an importer of its own is its preparing, and stays in.
    """
    original, spent = builtins.__import__, 0.0

    def timed(name: str, *arguments: Any, **keywords: Any) -> Any:
        nonlocal spent
        before, known = spent, name in sys.modules
        began = perf_counter()
        try:
            return original(name, *arguments, **keywords)
        finally:
            if not known and name in sys.modules and _is_installed(sys.modules[name]) and _importers_are_installed():
                spent = before + (perf_counter() - began)

    builtins.__import__ = timed
    try:
        yield lambda: spent
    finally:
        builtins.__import__ = original


def _is_installed(module: Any) -> bool:
    """Whether a module is Python's, this project's, or in a folder for packages."""
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    if place is None:
        return getattr(module, "__name__", "").partition(".")[0] in sys.stdlib_module_names
    return isinstance(place, str) and place.startswith(INSTALLED)


def _importers_are_installed() -> bool:
    """Whether nobody who looks for modules is a plugin's."""
    finders = (each if isinstance(each, type) else type(each) for each in sys.meta_path)
    return all(_is_installed(sys.modules.get(finder.__module__)) for finder in finders)


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
