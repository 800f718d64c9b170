"""Devices with memory of their own, as the machine shows them: whether there is one, and whether a process uses it.

A backend says of itself where it computes, and much is not asked of one whose arrays lie elsewhere. So its word is not
taken. What is there is asked of the drivers, in a process in which no plugin has run and which may hang or crash as
drivers do. Also the program that runs there: ``python -m pointwise_bench.suites.harness.machine.devices cuda``.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pointwise_bench.backends.backend import DEVICES_APART

ASKING_S: Final = 60.0
"""How long the drivers may take to answer; of CUDA a few seconds on a machine with many devices."""
_MOST_PLATFORMS: Final = 64
_EVERY_TYPE: Final = 0xFFFFFFFF


@cache
def shown(device: str) -> int:
    """How many devices of the kind the machine's drivers show to this user; asked once."""
    command = [sys.executable, "-m", __name__, device]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_S, check=True)
        return int(asked.stdout.split()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0


def not_shown(device: str) -> str | None:
    """Why a backend is not believed that declares ``device``; None where the machine has one, and for the CPU.

    A kind that is unknown is judged as the CPU is, and so needs no belief.
    """
    if device not in DEVICES_APART or shown(device):
        return None
    return (
        f'declares device "{device}", of which this machine has none that the harness can find '
        f'({_KINDS[device].shown_by}); what computes on the processor declares device "cpu"'
    )


def not_used(device: str, pid: int) -> str | None:
    """Why a backend in process ``pid`` is not believed that has prepared a layer on ``device``; None where it is.

    Only what shows a mistake or a lie in the declaration: a process may hold a device open and compute elsewhere.
    """
    if device not in DEVICES_APART:
        return None
    kind = _KINDS[device]
    names = kind.files_of(pid)
    if names is None or any(kind.trace.search(name) for name in names):
        return None
    return (
        f'declares device "{device}", and its process has opened none when its layer has answered: what computes on '
        f'the processor declares device "cpu"'
    )


def _open_files(pid: int) -> list[str] | None:
    """Names of the files that a process holds open; None where the system does not tell."""
    names = []
    try:
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed since
                names.append(str(each.readlink()))
    except OSError:
        return None
    return names


def _mapped_files(pid: int) -> list[str] | None:
    """Names of the files that a process has mapped; None where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/maps").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None


# --- in the process that asks the drivers ---------------------------------------------------------------------------


def _count_cuda() -> int:
    driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    count = ctypes.c_int(0)
    failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    return 0 if failed else count.value


def _count_opencl() -> int:
    """By the system's loader; where that shows nothing, by PyOpenCL, which brings a loader and finds PoCL's wheel."""
    with suppress(OSError, AttributeError):
        if (name := find_library("OpenCL")) and (count := _count_by_loader(ctypes.CDLL(name))):
            return count
    import pyopencl

    return sum(len(platform.get_devices()) for platform in pyopencl.get_platforms())


def _count_by_loader(loader: ctypes.CDLL) -> int:
    platforms, found = (ctypes.c_void_p * _MOST_PLATFORMS)(), ctypes.c_uint(0)
    if loader.clGetPlatformIDs(_MOST_PLATFORMS, platforms, ctypes.byref(found)):
        return 0
    total = 0
    for platform in platforms[: min(found.value, _MOST_PLATFORMS)]:
        count, kind = ctypes.c_uint(0), ctypes.c_uint64(_EVERY_TYPE)
        failed = loader.clGetDeviceIDs(ctypes.c_void_p(platform), kind, 0, None, ctypes.byref(count))
        total += 0 if failed else count.value
    return total


# --- the kinds ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kind:
    """How a kind of device shows."""

    count: Callable[[], int]
    shown_by: str
    """Who shows none, as the end of a sentence."""
    files_of: Callable[[int], list[str] | None]
    """The files of a process among which one must be that is a ``trace``."""
    trace: re.Pattern[str]


# One of these kinds is a backend's name as well, and no string in the harness may be one.
_KINDS: Final = dict(  # noqa: C408  # keys that are no strings: see above
    # Open in a process with a context on the device: of Linux, of Tegra, of the subsystem for Linux in Windows.
    cuda=_Kind(
        _count_cuda,
        "the CUDA driver's library shows none",
        _open_files,
        re.compile(r"^/dev/(nvidia|nvhost|nvmap|dxg)"),
    ),
    # Loaded by whoever uses an implementation: a loader, or the implementation itself.
    opencl=_Kind(
        _count_opencl,
        "no OpenCL implementation shows one",
        _mapped_files,
        re.compile(r"(opencl|pocl|libamdocl|libigdrcl)[^/]*$", re.IGNORECASE),
    ),
)


if __name__ == "__main__":
    sys.stdout.write(f"{_KINDS[sys.argv[1]].count()}\n")
