"""The threads that PyTorch computes with, for work of ours: a region of the very OpenMP that it is linked to.

A second pool, such as numba's, costs more than a kernel gains: threads that have done their part spin for a while, and
two pools on the same cores take them from each other. ``GOMP_parallel`` is what a compiler makes of a parallel region;
libgomp, which PyTorch's wheels bring, and LLVM's and Intel's OpenMP have it. The thread that opens a region has its
team kept by the library, so that PyTorch's regions and these are carried out by the same threads.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, NamedTuple


class ThreadTeam(NamedTuple):
    """How to open a region, ``(function, data, threads, 0)``, and what a thread asks for its number and their count."""

    region: Any
    thread: int
    team: int


@cache
def team() -> ThreadTeam | None:
    """PyTorch's; None where it has none that can be asked, and then nobody shares the work."""
    import torch

    if "OpenMP" not in torch.__config__.parallel_info():
        return None
    library = _library()
    try:
        region = library.GOMP_parallel
        numbers = library.omp_get_thread_num, library.omp_get_num_threads
    except AttributeError:
        return None
    region.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
    region.restype = None
    return ThreadTeam(region, *(ctypes.cast(one, ctypes.c_void_p).value or 0 for one in numbers))


def _library() -> Any:
    """The OpenMP that is in this process already. One that was loaded anew would have a pool of its own."""
    from pathlib import Path

    try:
        mapped = {line.split(maxsplit=5)[-1].strip() for line in Path("/proc/self/maps").read_text().splitlines()}
    except OSError:
        return None
    names = ("libgomp", "libomp", "libiomp5")
    found = [path for path in sorted(mapped) if Path(path).name.startswith(names)]
    # Several, such as numba's own beside PyTorch's: PyTorch's lies in its folder.
    import torch

    own = [path for path in found if str(Path(torch.__file__).parent.parent) in path and "torch" in path]
    for path in own or (found if len(found) == 1 else []):
        try:
            return ctypes.CDLL(path)
        except OSError:
            continue
    return None
