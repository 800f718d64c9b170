"""Which kernels there are, and the number under which compiled code finds each in a table of addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

from pointwise_bench.backends._microkernel.kernels.registers import (
    DOT_LANES,
    STREAMED_ROWS,
    USUAL_VECTORS,
    Registers,
)

Kind = Literal["pixels", "more", "channels", "rest", "dots", "copy", "gather"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class KernelName(NamedTuple):
    """One of them: of so many rows and lanes. Copies have lanes only, and gathering neither."""

    kind: Kind
    rows: int
    lanes: int


@dataclass(frozen=True)
class Places:
    """Of the kernels of one kind: ``first + rows * stride + lanes // unit`` is where the address of each stands."""

    first: int
    stride: int
    unit: int


def places(kind: Kind, registers: Registers) -> Places:
    """Every kind has room for all heights, so that none reaches into the next one's."""
    stride = registers.vectors(1) * 2 + 1
    return Places(KINDS.index(kind) * _room(registers), stride, _unit(kind, registers))


def table_size(registers: Registers) -> int:
    """Places of all kernels together."""
    return len(KINDS) * _room(registers)


def number_of_kernel(kernel: KernelName, registers: Registers) -> int:
    """Where its address stands; an error where no such kernel is written, whose call would end the process."""
    if kernel not in kernels_of_kind(kernel.kind, registers):
        raise LookupError(f"no kernel is written for {kernel}")
    at = places(kernel.kind, registers)
    return at.first + kernel.rows * at.stride + kernel.lanes // at.unit


def kernels_of_kind(kind: Kind, registers: Registers) -> list[KernelName]:
    """All that are written for the processor's registers."""
    if kind == "gather":
        return [KernelName(kind, 0, 0)]
    if kind == "copy":
        return [KernelName(kind, 0, count * registers.lanes) for count in range(1, registers.vectors(1) + 1)]
    if kind == "dots":
        outputs = range(1, DOT_LANES + 1)
        return [KernelName(kind, rows, lanes) for lanes in outputs for rows in range(1, registers.pixels(lanes) + 1)]
    most = {"more": STREAMED_ROWS, "rest": registers.most_rest}.get(kind, registers.rows)
    return [KernelName(kind, rows, lanes) for rows in range(1, most + 1) for lanes in _widths(kind, rows, registers)]


def _widths(kind: Kind, rows: int, registers: Registers) -> list[int]:
    """Lanes that a tile of so many rows may have: multiples of a unit, and of a vector where they are many."""
    unit = _unit(kind, registers)
    if kind == "more":
        return [registers.vectors(rows) * registers.lanes]
    if kind == "rest":  # as many as the highest panel has rows, and a half less
        return list(range(unit, registers.rows + unit, unit))
    usual = min(registers.vectors(rows), USUAL_VECTORS) * registers.lanes
    wider = range(usual + registers.lanes, registers.vectors(rows) * registers.lanes + 1, registers.lanes)
    return [*range(unit, usual + 1, unit), *wider]


def _unit(kind: Kind, registers: Registers) -> int:
    """Pixels in less than a whole vector are left to the other kinds, which waste fewer lanes on them."""
    if kind == "dots":
        return 1
    return registers.half if kind in ("channels", "rest") else registers.lanes


def _room(registers: Registers) -> int:
    """No tile has more rows than a panel, or than dot products have pixels, or a rest."""
    rows = max(registers.rows, registers.most_rest, *(registers.pixels(lanes) for lanes in range(1, DOT_LANES + 1)))
    return (rows + 1) * (registers.vectors(1) * 2 + 1)
