"""What a schedule is made of: one sweep, in numbers that compiled code reads, and the memory that it points to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

PIXELS, CHANNELS, DOTS = 0, 1, 2  # which operand is read in vectors, or both: see generator.py and dots.py
# Pixels come from the picture, tile by tile or along a run of tiles, or from the scratch: packed now, a tile or a block
# of tiles at a time, or packed before.
DIRECT, STREAMED, COPIED, BLOCKED, GATHERED, KEPT = range(6)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Tiles of ``lanes`` lanes in all against panels of ``rows`` rows in all. Offsets, strides and addresses in bytes.

    One tile stays in the cache and takes all panels past it. Several tiles, or one and a rest, are all taken past a
    panel before the next one comes. Streamed, there is one panel, and some channels at a time.
    """

    kind: int
    pack: int
    rows: int
    panels: int
    lanes: int
    tiles: int
    valid: int  # of the lanes, those that exist
    rest: int  # pixels behind the lanes, fewer than a vector has
    x: int  # offset of the first pixel's first channel in the picture
    ahead: int  # the same of the tile of pixels that is asked for meanwhile: the next, or this one where there is none
    x_step: int  # from channel to channel there
    x_row: int  # from row to row, where rows are pixels
    offsets: int  # address of an offset from ``x`` for each pixel, where they are gathered
    scratch: int  # address of the thread's own memory for packed pixels
    chunk: int  # channels taken at a time where tiles are streamed, or packed as a block
    weight: int  # address of packed weights
    bias: int  # address
    y: int  # offset of the tile's first element in the result
    y_row: int
    y_lane: int


FIELDS: Final = tuple(field.name for field in fields(Sweep))


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Addresses of what ``prepare`` laid out, of all groups one after another."""

    by_rows: int
    by_lanes: int
    as_given: int
    bias: int
    zeros: int  # a bias for sums that are not complete
    padded_bias: int  # as many for each group as its tiles have lanes
    offsets: int  # of every pixel that the stride reads, from the plane's first one; words of eight bytes
    scratch: tuple[int, ...]  # of each thread
