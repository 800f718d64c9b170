"""Blocking: how a dimension is cut into the pieces that kernels are made for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from pointwise_bench.backends._microkernel.kernels.registers import USUAL_VECTORS, Registers
from pointwise_bench.backends.problem import Problem

CHAINS: Final = 8  # multiply-adds under way: four cycles long, and two begin in each
BROADCAST_PIXELS: Final = 15  # at most in a plane that is broadcast whole
DEEP: Final = 192  # channels that pay for it
MANY_ROWS: Final = 24  # which all heights that a tile's width allows divide
WORTH_OTHER_PANELS: Final = 1.03  # times as many multiply-adds, the idle ones counted, as in other panels than usual


def even(total: int, most: int) -> list[int]:
    """``total`` as the fewest parts of at most ``most``, none smaller than another by more than one.

    9 rows in panels of at most 8 are 5 + 4 and not 8 + 1: a kernel of one row waits for its own additions.
    """
    count = -(-total // most)
    return [total // count + (part < total % count) for part in range(count)]


def panels(rows: int, registers: Registers) -> list[int]:
    """Rows, cut into panels of a kernel's height."""
    return even(rows, registers.rows)


def weight_panels(problem: Problem, registers: Registers) -> list[int]:
    """How a group's output channels are cut into rows: as high as a kernel allows, or lower where that fits the pixels.

    Three vectors of pixels are one tile for panels of four rows (AVX2), but a tile of two and one of a single vector
    for panels of six, and a single vector by six rows is done before the next multiply-adds can begin.
    """
    kernels, vectors = problem.out_channels // problem.groups, problem.out_height * problem.out_width // registers.lanes

    def cost(most: int) -> float:
        heights = even(kernels, most)
        # Large pictures have thousands of tiles, of two widths at most.
        widths = Counter(vector_tiles(vectors, heights[0], registers))
        panels_of = Counter(heights)
        multiply_adds = sum(
            max(CHAINS, height * width // registers.lanes) * panels_of[height] * widths[width]
            for height in panels_of
            for width in widths
        )
        return multiply_adds * (1 if most == registers.rows else WORTH_OTHER_PANELS)

    if problem.layout == "nhwc":
        return panels(kernels, registers)
    return even(kernels, min(range(registers.rows, registers.rows // 2, -1), key=cost))


def lane_tiles(lanes: int, rows: int, registers: Registers) -> list[int]:
    """Lanes, cut into tiles for ``rows`` rows in panels: of the ways there are, the one with the fewest multiply-adds.

    24 lanes in vectors of 8 are one tile of three and four rows, and not two of one and a half and six rows, in which
    every second vector is half empty.
    """

    def cost(tiles: list[int]) -> int:
        kernels = [
            (height, -(-tile // registers.lanes)) for tile in tiles for height in _heights(rows, tile, registers)
        ]
        return sum(max(CHAINS, height * vectors) for height, vectors in kernels)

    # Of ways that cost the same, the one whose panels are as high as the rows are many: it takes fewest kernels.
    heights = sorted(range(1, registers.rows + 1), key=lambda height: abs(height - rows))
    widths = map(registers.vectors, heights)
    return min((_tiles_of(lanes, most, registers) for most in widths), key=cost)


def _heights(rows: int, tile: int, registers: Registers) -> list[int]:
    """Of the panels against a tile; of many rows, some."""
    return even(min(rows, MANY_ROWS), registers.height(tile))


def _tiles_of(lanes: int, most: int, registers: Registers) -> list[int]:
    """Tiles of at most so many vectors: whole ones, and half a one at the end.

    Tiles of more vectors than usual have no half, which keeps the kernels fewer: it is a tile of its own.
    """
    halves = -(-lanes // registers.half)
    if most > USUAL_VECTORS:
        whole = [vectors * registers.lanes for vectors in even(halves // 2, most)]
        return whole + [registers.half] * (halves % 2)
    tiles = [vectors * registers.lanes for vectors in even(-(-halves // 2), most)]
    tiles[-1] -= registers.half * (halves % 2)
    return tiles


def vector_tiles(vectors: int, rows: int, registers: Registers) -> list[int]:
    """Whole vectors of pixels, cut into tiles for panels of ``rows`` rows; in elements."""
    return [count * registers.lanes for count in even(vectors, registers.vectors(rows))]


def plane_cut(problem: Problem, registers: Registers) -> tuple[int, int]:
    """Of a plane of the result, the whole vectors of pixels, and the rest of pixels that is broadcast.

    One vector and a rest, as in a picture of 3x3, are all broadcast where there are channels enough to pay for results
    that lie a plane apart. The weights are read once then and not twice, and a tile has more sums.
    """
    pixels = problem.out_height * problem.out_width
    vectors, rest = divmod(pixels, registers.lanes)
    few = vectors == 1 and rest > 0 and pixels <= BROADCAST_PIXELS
    return (0, pixels) if few and problem.in_channels // problem.groups >= DEEP else (vectors, rest)


def share(total: int, part: int, parts: int) -> range:
    """What of ``range(total)`` falls to ``part``: contiguous, and as much as any other's but for one."""
    return range(total * part // parts, total * (part + 1) // parts)


def weight_tiles(problem: Problem, registers: Registers) -> list[int]:
    """How a group's output channels are cut into lanes, for the pixels that they will meet."""
    p = problem
    if p.layout == "nchw" and p.height * p.width > 1:
        rows = max(1, plane_cut(p, registers)[1])
    else:  # a thread may get any number of pixels
        rows = max(1, p.out_width if p.stride > 1 else p.pixels)
    return lane_tiles(p.out_channels // p.groups, rows, registers)


@dataclass(frozen=True)
class Cut:
    """One thread's part of the pixels, its part of the output channels, and its scratch."""

    pixel_part: int
    pixel_parts: int
    channel_part: int
    channel_parts: int
    scratch: int

    def pixels(self, total: int) -> range:
        return share(total, self.pixel_part, self.pixel_parts)

    def channels(self, total: int) -> range:
        return share(total, self.channel_part, self.channel_parts)
