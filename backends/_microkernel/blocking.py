"""Blocking: how a dimension is cut into the pieces that kernels are made for."""

from __future__ import annotations

from backends._microkernel.registers import Registers


def even(total: int, most: int) -> list[int]:
    """``total`` as the fewest parts of at most ``most``, none smaller than another by more than one.

    9 rows in panels of at most 8 are 5 + 4 and not 8 + 1: a kernel of one row waits for its own additions.
    """
    count = -(-total // most)
    return [total // count + (part < total % count) for part in range(count)]


def panels(rows: int, registers: Registers) -> list[int]:
    """Rows, cut into panels of a kernel's height."""
    return even(rows, registers.rows)


def lane_tiles(lanes: int, rows: int, registers: Registers) -> list[int]:
    """Lanes, cut into tiles for panels of ``rows`` rows: whole vectors and a half, the last one padded to a half.

    Tiles of more vectors than the highest panel allows are of whole ones, which keeps the kernels fewer.
    """
    most = registers.vectors(rows)
    if most > registers.vectors(registers.rows):
        whole = [vectors * registers.lanes for vectors in even(lanes // registers.lanes, most)]
        rest = -(-(lanes % registers.lanes) // registers.half) * registers.half
        return whole + [rest] * (rest > 0)
    return [halves * registers.half for halves in even(-(-lanes // registers.half), 2 * most)]


def vector_tiles(vectors: int, rows: int, registers: Registers) -> list[int]:
    """Whole vectors of pixels, cut into tiles for panels of ``rows`` rows; in elements."""
    return [count * registers.lanes for count in even(vectors, registers.vectors(rows))]


def share(total: int, part: int, parts: int) -> range:
    """What of ``range(total)`` falls to ``part``: contiguous, and as much as any other's but for one."""
    return range(total * part // parts, total * (part + 1) // parts)
