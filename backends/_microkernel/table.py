"""The kernels that a layer's sweeps take, and the table in which compiled code finds their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pointwise_bench.backends._microkernel.kernels.numbering import KernelName, Kind, number_of_kernel, table_size
from pointwise_bench.backends._microkernel.kernels.objects import address_of
from pointwise_bench.backends._microkernel.kernels.registers import Registers, of_this_host
from pointwise_bench.backends._microkernel.sweep import (
    BLOCKED,
    CHANNELS,
    COPIED,
    DIRECT,
    GATHERED,
    PIXELS,
    STREAMED,
    Sweep,
)

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

_FILLING = Lock()


@cache
def table(item: int) -> Array:
    """Of this process's kernels for elements of so many bytes; zero where none is loaded. It never moves."""
    import numpy as np

    return np.zeros(table_size(of_this_host(item)), np.int64)


def load(sweeps: Iterable[Sweep], item: int, folder: Path) -> None:
    """Fill in the kernels that sweeps take, compiled where ``folder`` does not hold them."""
    registers, addresses = of_this_host(item), table(item)
    with _FILLING:
        for kernel in sorted(kernels_of(sweeps, registers)):
            number = number_of_kernel(kernel, registers)
            if not addresses[number]:
                addresses[number] = address_of(kernel, item, folder)


def kernels_of(sweeps: Iterable[Sweep], registers: Registers) -> set[KernelName]:
    """What ``passes`` calls for them. A large picture has thousands of sweeps, which are alike."""
    alike = {(each.kind, each.pack, each.rows, each.panels, each.lanes, each.tiles, each.rest): each for each in sweeps}
    return {kernel for sweep in alike.values() for kernel in _kernels_of(sweep, registers)}


def _kernels_of(sweep: Sweep, registers: Registers) -> Iterator[KernelName]:
    if sweep.pack == STREAMED:
        yield KernelName("more", sweep.rows, sweep.lanes // sweep.tiles)
    elif sweep.tiles > 1 or sweep.rest or sweep.pack == BLOCKED:
        yield from _of_tiles(sweep, registers)
    else:
        if sweep.pack == COPIED:
            yield KernelName("copy", 0, sweep.lanes if sweep.kind == PIXELS else sweep.rows)
        elif sweep.pack == GATHERED:
            yield KernelName("gather", 0, 0)
        kinds: dict[int, Kind] = {PIXELS: "pixels", CHANNELS: "channels"}
        for rows in _parts(sweep.rows, sweep.panels):
            yield KernelName(kinds.get(sweep.kind, "dots"), rows, sweep.lanes)


def _of_tiles(sweep: Sweep, registers: Registers) -> Iterator[KernelName]:
    """Several tiles, or one and a rest, all taken past a panel."""
    widths = [vectors * registers.lanes for vectors in _parts(sweep.lanes // registers.lanes, sweep.tiles)]
    if sweep.rest or sweep.pack == GATHERED:
        yield KernelName("gather", 0, 0)
    if sweep.pack not in (DIRECT, GATHERED):
        yield from (KernelName("copy", 0, width) for width in widths)
    for rows in _parts(sweep.rows, sweep.panels):
        yield from (KernelName("pixels", rows, width) for width in widths)
        if sweep.rest:
            yield KernelName("rest", sweep.rest, -(-rows // registers.half) * registers.half)


def _parts(total: int, count: int) -> set[int]:
    """The sizes of so many even parts: one, or two."""
    return {total // count, -(-total // count)}
