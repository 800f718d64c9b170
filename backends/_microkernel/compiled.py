"""What numba compiles: the functions that carry out a plan, on one thread or on several.

Imported only where a layer is prepared, since importing this imports numba. What goes through a plan is compiled once
for each element type, into one function of four numbers that is called by its address: the caller for one thread and
the one for several would otherwise each hold, and compile, a copy of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import cfunc, njit, prange, types

from pointwise_bench.backends._microkernel.kernels.intrinsics import address, call
from pointwise_bench.backends._microkernel.kernels.objects import version
from pointwise_bench.backends._microkernel.passes import (
    OTHER,
    PACK,
    PARTS,
    REST,
    TILES,
    WIDTH,
    X,
    Y,
    panels_past_tile,
    run_of_tiles,
    tiles_past_panels,
)
from pointwise_bench.backends._microkernel.sweep import BLOCKED, STREAMED


@cache
def work(dtype: str) -> int:
    """Address of the function ``(x, y, plan, part)`` that carries out one part of a plan, whose kernels are loaded."""
    element = getattr(types, dtype)
    signature = types.void(types.CPointer(element), types.int64, types.CPointer(types.int64), types.int64)
    compiled = cfunc(signature, cache=True, error_model="numpy")(_work_of(version()))
    return int(compiled.address)


def folder() -> Path:
    """Where numba keeps what it compiles of this module: kernels are kept beside it."""
    return Path(on_one_thread.stats.cache_path)


def _work_of(version: str) -> Callable[[Any, int, Any, int], None]:
    """The function before it is compiled. ``version`` is part of the key under which numba keeps its code."""

    def carry_out(x: Any, y: int, plan: Any, part: int) -> None:
        if version == "":
            return
        for at in range(plan[PARTS + part], plan[PARTS + part + 1], WIDTH):
            source, target = address(x) + plan[at + X], y + plan[at + Y]
            if plan[at + PACK] == STREAMED:
                run_of_tiles(x, source, target, plan, at)
            elif plan[at + TILES] > 1 or plan[at + REST] or plan[at + PACK] == BLOCKED:
                tiles_past_panels(x, source, target, plan, at)
            else:
                panels_past_tile(x, source, target, plan, at)

    return carry_out


@njit(cache=True)  # type: ignore[untyped-decorator]
def on_one_thread(x: Any, y: int, plan: int, function: int) -> None:
    """The whole plan, which has one part. ``x`` is the layer's input, the others are addresses."""
    call(function, x.ctypes.data, y, plan, 0)


@njit(cache=True, parallel=True)  # type: ignore[untyped-decorator]
def on_threads(x: Any, y: int, plan: int, function: int, parts: int) -> None:
    """A part of the plan on each thread of numba's pool."""
    data = x.ctypes.data
    for part in prange(parts):
        call(function, data, y, plan, part)


# With a residual the plan's word says where it lies. Functions of their own: the others take no longer than they did.


@njit(cache=True)  # type: ignore[untyped-decorator]
def adding_on_one_thread(x: Any, residual: Any, y: int, plan: Any, function: int) -> None:
    """The same with a residual; ``plan`` is an array."""
    plan[OTHER] = residual.ctypes.data - y
    call(function, x.ctypes.data, y, plan.ctypes.data, 0)


@njit(cache=True, parallel=True)  # type: ignore[untyped-decorator]
def adding_on_threads(x: Any, residual: Any, y: int, plan: Any, function: int, parts: int) -> None:
    """The same on several threads."""
    plan[OTHER] = residual.ctypes.data - y
    data, words = x.ctypes.data, plan.ctypes.data
    for part in prange(parts):
        call(function, data, y, words, part)
