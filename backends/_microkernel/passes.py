"""The ways in which a sweep is carried out: panels past a tile, tiles past a panel, or a run of tiles streamed.

All are written into their one caller, which numba compiles once. Kernels are called by their addresses, which stand in
a table: what a layer does not take is not compiled.
"""

from __future__ import annotations

from typing import Any, Final

from numba import njit

from pointwise_bench.backends._microkernel.kernels.intrinsics import (
    address,
    channels,
    copy,
    dots,
    gather,
    item,
    more,
    pixels,
    rest,
)
from pointwise_bench.backends._microkernel.kernels.llvm import CACHE_LINE as LINE, WORD
from pointwise_bench.backends._microkernel.sweep import BLOCKED, CHANNELS, COPIED, DIRECT, FIELDS, GATHERED, PIXELS

# A plan in memory is a header of words and the sweeps. Where the header's words are; from PARTS on: where each part's
# sweeps begin, and where the last part's end.
STEPS, ACTIVATION, ZEROS, VECTOR, OTHER, KERNELS, PARTS = range(7)

WIDTH: Final = len(FIELDS)
(
    KIND, PACK, ROWS, PANELS, LANES, TILES, VALID, REST, X, AHEAD, X_STEP, X_ROW, OFFSETS, SCRATCH,
    CHUNK, WEIGHT, BIAS, Y, Y_ROW, Y_LANE,
) = range(WIDTH)  # fmt: skip


@njit(inline="always")  # type: ignore[untyped-decorator]
def panels_past_tile(x: Any, source: int, target: int, plan: Any, at: int) -> None:
    """One tile, packed if it is to be, and all panels. Kernels take all panels of one height at once."""
    size, k, activation, other, kernels = item(x), plan[STEPS], plan[ACTIVATION], plan[OTHER], plan[KERNELS]
    lanes, rows, panels = plan[at + LANES], plan[at + ROWS], plan[at + PANELS]
    step, row, y_row = plan[at + X_STEP], plan[at + X_ROW], plan[at + Y_ROW]
    if plan[at + PACK] != DIRECT:
        scratch = plan[at + SCRATCH]
        count = lanes if plan[at + KIND] == PIXELS else rows
        if plan[at + PACK] == COPIED:
            copy(x, kernels, k, source, step, scratch, count, 0)
        elif plan[at + PACK] == GATHERED:
            gather(x, kernels, k, source, step, scratch, count, plan[at + OFFSETS])
        source, step, row = scratch, count * size, size
    weight, bias = plan[at + WEIGHT], plan[at + BIAS]
    # Where there are fewer panels than lines in a row of pixels, the first one asks for all of them.
    ahead, ahead_line = address(x) + plan[at + AHEAD], LINE if panels * LINE < lanes * size else 0
    ahead_end = ahead if ahead_line else ahead + lanes * size
    height, higher = rows // panels, rows % panels
    for high, count in ((height + 1, higher), (height, panels - higher)):
        if count == 0:
            continue
        if plan[at + KIND] == PIXELS:
            pixels(
                x, kernels, high, lanes, lanes, k, weight, 0, 0, source, step, target, y_row, 0, bias, activation,
                ahead, plan[at + X_STEP], ahead_line, ahead_end, 0,
                count, high * k * size, 0, high * y_row, high * size, other,
            )  # fmt: skip
            ahead += count * LINE
            weight += count * high * k * size
            bias += count * high * size
        elif plan[at + KIND] == CHANNELS:
            channels(
                x, kernels, high, lanes, plan[at + VALID], k, source, row, step, weight, 0,
                target, y_row, plan[at + Y_LANE], bias, activation, 0, 0, 0, 0, 0,
                count, high * row, 0, high * y_row, 0, other,
            )  # fmt: skip
        else:
            dots(
                x, kernels, high, lanes, lanes, k, source, row, 0, weight, 0,
                target, y_row, plan[at + Y_LANE], bias, activation, 0, 0, 0, 0, 0,
                count, high * row, 0, high * y_row, 0, other,
            )  # fmt: skip
        source += 0 if plan[at + KIND] == PIXELS else count * high * row
        target += count * high * y_row


@njit(inline="always")  # type: ignore[untyped-decorator]
def tiles_past_panels(x: Any, source: int, target: int, plan: Any, at: int) -> None:
    """Panel after panel, against all tiles and the rest of the plane. Kernels take all tiles of one width at once."""
    size, k, activation, vector, other = item(x), plan[STEPS], plan[ACTIVATION], plan[VECTOR], plan[OTHER]
    kernels = plan[KERNELS]
    lanes, tiles, left = plan[at + LANES], plan[at + TILES], plan[at + REST]
    rows, panels, step, y_row = plan[at + ROWS], plan[at + PANELS], plan[at + X_STEP], plan[at + Y_ROW]
    packed, left_at = plan[at + PACK] != DIRECT, plan[at + SCRATCH]
    if left:
        left_at += k * lanes * size if packed else 0
        gather(x, kernels, k, source, step, left_at, left, plan[at + OFFSETS] + lanes * WORD)
    if packed:
        pack_tiles(x, source, plan, at)
        source = plan[at + SCRATCH]
    narrow, wider = lanes // vector // tiles * vector, lanes // vector % tiles
    weight, bias = plan[at + WEIGHT], plan[at + BIAS]
    ahead = address(x) + plan[at + AHEAD]
    ahead_end = ahead + lanes * size if plan[at + PACK] != BLOCKED else 0  # which asks for itself
    for panel in range(panels):
        high = rows // panels + (panel < rows % panels)
        tile, results = source, target
        for width, count in ((narrow + vector, wider), (narrow, tiles - wider)):
            if count == 0:
                continue
            line = width * size
            tile_step, tile_next = (line, line * k) if packed else (step, line)
            pixels(
                x, kernels, high, width, width, k, weight, 0, 0, tile, tile_step, results, y_row, 0, bias, activation,
                ahead, step, 0, ahead_end, 0, count, 0, tile_next, line, 0, other,
            )  # fmt: skip
            ahead += count * LINE
            tile += count * tile_next
            results += count * line
        if left:
            half = vector // 2
            rest(
                x, kernels, left, (high + half - 1) // half * half, high, k, left_at, 0, 0, weight, high * size,
                results, size, y_row, bias, activation, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, other,
            )  # fmt: skip
        weight += high * k * size
        bias += high * size
        target += high * y_row


@njit(inline="always")  # type: ignore[untyped-decorator]
def pack_tiles(x: Any, source: int, plan: Any, at: int) -> None:
    """All tiles of a sweep, one behind the other; of a block some channels at a time, each from end to end."""
    size, k, step, vector, kernels = item(x), plan[STEPS], plan[at + X_STEP], plan[VECTOR], plan[KERNELS]
    vectors, tiles, pack = plan[at + LANES] // vector, plan[at + TILES], plan[at + PACK]
    chunk = plan[at + CHUNK]
    ahead = chunk * step if pack == BLOCKED else 0
    for begin in range(0, k, chunk):
        steps = min(chunk, k - begin)
        here, offsets, tile_at = source + begin * step, plan[at + OFFSETS], plan[at + SCRATCH]
        for tile in range(tiles):
            width = (vectors // tiles + (tile < vectors % tiles)) * vector
            target = tile_at + begin * width * size
            if pack == GATHERED:
                gather(x, kernels, steps, here, step, target, width, offsets)
            else:
                copy(x, kernels, steps, here, step, target, width, ahead)
            here += width * size if pack != GATHERED else 0
            offsets += width * WORD
            tile_at += k * width * size


@njit(inline="always")  # type: ignore[untyped-decorator]
def run_of_tiles(x: Any, source: int, target: int, plan: Any, at: int) -> None:
    """A run of tiles, a chunk of channels after the other. What follows the sums comes with the last one."""
    size, k, step, y_row, kernels = item(x), plan[STEPS], plan[at + X_STEP], plan[at + Y_ROW], plan[KERNELS]
    rows, tiles = plan[at + ROWS], plan[at + TILES]
    lanes = plan[at + LANES] // tiles
    chunk, further = plan[at + CHUNK], plan[at + AHEAD] - plan[at + X]
    for begin in range(0, k, chunk):
        steps = min(chunk, k - begin)
        weight, tile, results = plan[at + WEIGHT] + begin * rows * size, source + begin * step, target
        bias, activation, other = plan[ZEROS], 0, 0
        if begin + steps == k:
            bias, activation, other = plan[at + BIAS], plan[ACTIVATION], plan[OTHER]
        for number in range(tiles):
            # A tile further on in the run, or of the next channels at its beginning.
            ahead = tile + further
            if number * lanes * size + further >= tiles * lanes * size:
                ahead += chunk * step - tiles * lanes * size
            more(
                x, kernels, rows, lanes, lanes, steps, weight, 0, 0, tile, step, results, y_row, 0, bias, activation,
                ahead, step, LINE, ahead, begin, 1, 0, 0, 0, 0, other,
            )  # fmt: skip
            tile += lanes * size
            results += lanes * size
