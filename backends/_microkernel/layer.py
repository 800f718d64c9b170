"""A layer: weights packed, work scheduled, memory laid out, all of it kept alive for as long as it can be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._microkernel.blocking import weight_panels, weight_tiles
from pointwise_bench.backends._microkernel.kernels.llvm import CACHE_LINE
from pointwise_bench.backends._microkernel.kernels.objects import address_of_activation
from pointwise_bench.backends._microkernel.kernels.packing import by_lanes, by_rows
from pointwise_bench.backends._microkernel.kernels.registers import of_this_host
from pointwise_bench.backends._microkernel.kernels.words import NONE, SMOOTH, number_of
from pointwise_bench.backends._microkernel.planes import packed_pixels
from pointwise_bench.backends._microkernel.schedule import Scheduler
from pointwise_bench.backends._microkernel.sweep import FIELDS, Memory, Sweep
from pointwise_bench.backends._microkernel.table import load, table
from pointwise_bench.backends._shared.activation import loops as activation
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import ITEM_BYTES, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from pointwise_bench.backends.backend import Array


def compiled_layer(problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
    """The layer of a forward problem of float32 or float64; it writes into one buffer again and again."""
    import numpy as np

    from pointwise_bench.backends._microkernel import compiled

    p = problem
    y = aligned(p.output_shape, p.dtype)
    parts, memory, arrays = scheduled(p, weight, bias, threads)
    plan = plan_of(p, parts, memory, compiled.folder())
    work = compiled.work(p.dtype)
    arguments, adding = (y.ctypes.data, plan.ctypes.data, work), (y.ctypes.data, plan, work)
    held = (arrays, plan, y)

    def on_one_thread(x: Array) -> Array:
        compiled.on_one_thread(x, *arguments)
        return held[-1]

    def on_threads(x: Array) -> Array:
        compiled.on_threads(x, *arguments, len(parts))
        return held[-1]

    def adding_on_one_thread(x: Array, residual: Array) -> Array:
        compiled.adding_on_one_thread(x, residual, *adding)
        return held[-1]

    def adding_on_threads(x: Array, residual: Array) -> Array:
        compiled.adding_on_threads(x, residual, *adding, len(parts))
        return held[-1]

    ways: dict[tuple[bool, bool], Layer] = {
        (False, True): on_one_thread,
        (False, False): on_threads,
        (True, True): adding_on_one_thread,
        (True, False): adding_on_threads,
    }
    layer = _finished(p, ways[p.add, len(parts) == 1], y, parallel=len(parts) > 1)
    inputs = [np.zeros(shape, p.dtype) for shape in p.input_shapes]
    for each in inputs:
        each.flags.writeable = False
    layer(*inputs)
    return layer


def _finished(p: Problem, layer: Layer, y: Array, *, parallel: bool) -> Layer:
    """With what the kernels do not know, behind it and over the same threads; the layer itself where they do."""
    if number_of(p.activation, ITEM_BYTES[p.dtype]) != NONE:
        return layer
    activate, flat = activation.in_place(p.activation, p.dtype, parallel=parallel), y.reshape(-1)
    if activate is None:
        return layer

    def finished(*inputs: Array) -> Array:
        layer(*inputs)
        activate(flat)
        return y

    return finished


def scheduled(p: Problem, weight: Array, bias: Array | None, threads: int) -> tuple[list[list[Sweep]], Memory, Any]:
    """The sweeps of each part, what they point to, and the arrays that must live as long."""
    memory, arrays = _lay_out(p, weight, bias, threads)
    return Scheduler(p, of_this_host(ITEM_BYTES[p.dtype]), memory).schedule(threads), memory, arrays


def _lay_out(p: Problem, weight: Array, bias: Array | None, threads: int) -> tuple[Memory, Any]:
    """Everything that a schedule points to, and the arrays that must live as long as it."""
    import numpy as np

    registers = of_this_host(ITEM_BYTES[p.dtype])
    kernels, k = p.out_channels // p.groups, p.in_channels // p.groups
    heights, tiles = weight_panels(p, registers), weight_tiles(p, registers)
    groups = weight.reshape(p.groups, kernels, k)
    biases = np.zeros(p.out_channels, p.dtype) if bias is None else bias
    padded = np.zeros((p.groups, sum(tiles)), p.dtype)
    padded[:, :kernels] = biases.reshape(p.groups, kernels)
    rows = np.arange(p.out_height) * p.stride * p.width
    columns = np.arange(p.out_width) * p.stride
    beyond = np.zeros(registers.rows + registers.half, p.dtype)  # vectors may reach over the end of the last panel
    arrays = {
        "by_rows": np.concatenate([panel for group in groups for panel in by_rows(group, heights)] + [beyond]),
        "by_lanes": np.concatenate([tile for group in groups for tile in by_lanes(group, tiles)]),
        "as_given": groups,
        "bias": np.concatenate([biases, beyond]),
        "padded_bias": padded,
        "zeros": np.zeros(registers.rows, p.dtype),
        "offsets": (rows[:, None] + columns).astype(np.int64) * ITEM_BYTES[p.dtype],
    }
    arrays = {name: aligned_copy(array) for name, array in arrays.items()}
    scratch = [aligned((k, packed_pixels(p, registers)), p.dtype) for _ in range(threads)]
    addresses: dict[str, Any] = {name: array.ctypes.data for name, array in arrays.items()}
    return Memory(**addresses, scratch=tuple(each.ctypes.data for each in scratch)), (arrays, scratch)


def plan_of(p: Problem, parts: list[list[Sweep]], memory: Memory, folder: Path) -> Array:
    """The words that :mod:`compiled` reads: a header, then the sweeps of each part, whose kernels are loaded.

    What of them is not compiled yet is kept in ``folder``.
    """
    import numpy as np

    item = ITEM_BYTES[p.dtype]
    load((sweep for part in parts for sweep in part), item, folder)
    header = 6 + len(parts) + 1
    counts = np.cumsum([0, *map(len, parts)])
    begins = header + len(FIELDS) * counts
    sweeps = [[getattr(sweep, name) for name in FIELDS] for part in parts for sweep in part]
    activity, nothing_added = number_of(p.activation, item), 0
    if activity in SMOOTH:
        activity = address_of_activation(activity, item, folder)
    lanes, kernels = of_this_host(item).lanes, table(item).ctypes.data
    words = [p.in_channels // p.groups, activity, memory.zeros, lanes, nothing_added, kernels, *begins]
    return np.concatenate([np.array(words, np.int64), np.array(sweeps, np.int64).ravel()])


def aligned(shape: tuple[int, ...], dtype: str) -> Array:
    """An array of zeros that begins at a cache line."""
    import numpy as np

    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def aligned_copy(array: Array) -> Array:
    """``array`` in memory of its own that begins at a cache line."""
    copy = aligned(array.shape, array.dtype.name)
    copy[...] = array
    return copy
