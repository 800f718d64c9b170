"""Sweeps of NCHW: planes of pixels, read in vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pointwise_bench.backends._microkernel.blocking import Cut, even, plane_cut, vector_tiles
from pointwise_bench.backends._microkernel.caches import FIRST_LINE_SETS, lines_crowd, pages_crowd
from pointwise_bench.backends._microkernel.kernels.llvm import CACHE_LINE, WORD
from pointwise_bench.backends._microkernel.kernels.registers import STREAMED_ROWS, Registers
from pointwise_bench.backends._microkernel.layout import SweepLayout
from pointwise_bench.backends._microkernel.sweep import (
    BLOCKED,
    CHANNELS,
    COPIED,
    DIRECT,
    GATHERED,
    KEPT,
    PIXELS,
    STREAMED,
    Sweep,
)
from pointwise_bench.backends.problem import ITEM_BYTES, Problem

FEWEST_PANELS_TO_PACK: Final = 3
STREAMED_BYTES: Final = 2**24  # of a picture, from which on it comes from main memory
RUN_BYTES: Final = 2**15  # of a channel that is streamed at once: the results of two such stay in a second cache
STREAMED_CHUNK: Final = 8  # channels that are streamed side by side; twice as many where a tile reads little of each
NARROW_TILE: Final = 2 * CACHE_LINE  # bytes of a row of such a tile
TILES_AHEAD: Final = 4  # of which lines are asked for then: one tile is done in a third of main memory's latency

SHALLOW: Final = 32  # channels in whose time a tile cannot hide that each of its results lies on another page
PANELS_A_TILE: Final = 2  # at most, where tiles are taken past panels
SHALLOW_BYTES: Final = 2**17  # of tiles that are packed together there
HEAVY_BYTES: Final = 2**21  # of weights, which are worth reading once less

BLOCK_BYTES: Final = 2**18  # of tiles that are packed together where their channels crowd: half of a second cache
BLOCK_TILES: Final = 8  # at least, so that a channel is read in long runs
MOST_BLOCK_BYTES: Final = 3 * 2**18  # nevertheless
BLOCK_CHUNK: Final = 4  # channels that are packed side by side, while the next ones are asked for


def packed_pixels(problem: Problem, registers: Registers) -> int:
    """Of how many pixels all channels of a group may be packed at once."""
    pixel = problem.in_channels // problem.groups * ITEM_BYTES[problem.dtype]
    most = max(SHALLOW_BYTES, MOST_BLOCK_BYTES) // pixel
    return max(registers.vectors(1) * registers.lanes, most) + registers.lanes


class Planes(SweepLayout):
    """Whole vectors of pixels are read as vectors; what is left of a plane is broadcast against channels."""

    def sweeps(self, cut: Cut) -> Iterator[Sweep]:
        """All tiles of vectors, then the rests of planes."""
        p, lanes = self._p, self._registers.lanes
        vectors, rest = plane_cut(p, self._registers)
        joins = self._rest_joins
        planes = p.batch * p.groups
        mine = cut.pixels(planes * vectors)
        for plane in range(planes):
            first, last = (min(max(end - plane * vectors, 0), vectors) for end in (mine.start, mine.stop))
            if first < last and cut.channels(len(self._panels)):
                yield from self._vectors_of_plane(plane, first, last, rest if joins and last == vectors else 0, cut)
        # Parts that got a vector less than others are first to take a rest.
        for plane in range(planes if rest and not joins else 0):
            if plane % cut.pixel_parts == cut.pixel_part:
                yield from self._rest_of_plane(plane, vectors * lanes, rest, cut)

    def _vectors_of_plane(self, plane: int, first: int, last: int, rest: int, cut: Cut) -> Iterator[Sweep]:
        """Vectors ``first`` to ``last`` of a plane, and its rest."""
        lanes = self._registers.lanes
        start = first * lanes
        if self._streams:
            for tiles in self._runs(last - first):
                yield self._streamed_run(plane, start, tiles, cut)
                start += tiles * self._widest
                first += tiles * self._widest // lanes
        widths = vector_tiles(last - first, self._panels[0], self._registers)
        if rest and not widths:  # all was streamed
            yield from self._rest_of_plane(plane, start, rest, cut)
        for tiles in even(len(widths), self._abreast(len(widths), len(cut.channels(len(self._panels))))):
            block, widths = widths[:tiles], widths[tiles:]
            following = sum(block) if widths else 0
            yield self._pixel_tiles(plane, start, block, following, 0 if widths else rest, cut)
            start += sum(block)

    @property
    def _rest_joins(self) -> bool:
        """Whether the rest of a plane is taken past each panel with the last tile, and not by itself.

        By itself it reads all weights once more, for one pixel of 49. With the panel it finds them in the cache, but
        leaves the lanes empty that the panel has fewer than a vector.
        """
        vectors, rest = plane_cut(self._p, self._registers)
        few = 0 < rest <= self._registers.most_rest
        return vectors > 0 and few and self._kernels * self._k * self._item >= HEAVY_BYTES

    def _abreast(self, tiles: int, panels: int) -> int:
        """How many of a plane's tiles are taken past a panel before the next panel comes.

        One tile writes 64 bytes of each output channel, a plane apart; side by side they write long runs. Where there
        are channels enough to hide that, or few tiles, it is better that the tile stays and the panels pass: one call
        takes all of the one, or all of the other. Channels that crowd are read in long runs, whatever else.
        """
        tile = self._k * self._registers.vectors(self._panels[0]) * self._registers.lanes * self._item
        if self._crowds:
            return max(1, min(tiles, max(BLOCK_TILES, BLOCK_BYTES // tile), MOST_BLOCK_BYTES // tile))
        held = min(tiles, SHALLOW_BYTES // tile)
        shallow = self._k <= SHALLOW and panels >= FEWEST_PANELS_TO_PACK
        return held if shallow and PANELS_A_TILE * held >= panels else 1

    def _pixel_tiles(self, plane: int, start: int, tiles: list[int], following: int, rest: int, cut: Cut) -> Sweep:
        """Tiles of pixels against this thread's panels of weights; the next one begins ``following`` behind."""
        p, item, k = self._p, self._item, self._k
        mine = cut.channels(len(self._panels))
        before, rows = sum(self._panels[: mine.start]), sum(self._panels[mine.start : mine.stop])
        first = plane % p.groups * self._kernels + before
        x = self._plane_of_x(plane) + (start * item if p.stride == 1 else 0)
        copied = BLOCKED if self._crowds else COPIED if len(mine) >= FEWEST_PANELS_TO_PACK else DIRECT
        return Sweep(
            kind=PIXELS,
            pack=GATHERED if p.stride > 1 else copied,
            rows=rows,
            panels=len(mine),
            lanes=sum(tiles),
            tiles=len(tiles),
            valid=sum(tiles),
            rest=rest,
            x=x,
            ahead=self._plane_of_x(plane) + self._place(start + following),
            x_step=p.height * p.width * item,
            x_row=0,
            offsets=self._memory.offsets + (WORD * start if p.stride > 1 else 0),
            scratch=cut.scratch,
            chunk=BLOCK_CHUNK if copied == BLOCKED else self._k,
            weight=self._memory.by_rows + first * k * item,
            bias=self._memory.bias + first * item,
            y=self._plane_of_y(plane, before) + start * item,
            y_row=p.out_height * p.out_width * item,
            y_lane=item,
        )

    @property
    def _crowds(self) -> bool:
        """Whether a tile's channels keep each other out of the caches, so that asking ahead is in vain.

        Lines that do are still read from the next cache, which for one or two panels costs less than to pack them.
        """
        p, step = self._p, self._p.height * self._p.width * self._item
        packs = len(self._panels) >= FEWEST_PANELS_TO_PACK
        return p.stride == 1 and (pages_crowd(self._k, step) or (packs and lines_crowd(self._k, step)))

    @property
    def _streams(self) -> bool:
        """Whether a large picture meets so few output channels that reading it is the work."""
        p = self._p
        few = self._kernels <= STREAMED_ROWS
        return few and p.stride == 1 and p.batch * p.in_channels * p.height * p.width * self._item >= STREAMED_BYTES

    @property
    def _widest(self) -> int:
        """Pixels of the widest tile."""
        return self._registers.vectors(self._kernels) * self._registers.lanes

    def _runs(self, vectors: int) -> list[int]:
        """Tiles in each streamed run: as many whole ones as there are, evenly."""
        tiles = vectors * self._registers.lanes // self._widest
        return even(tiles, max(1, RUN_BYTES // (self._widest * self._item))) if tiles else []

    def _streamed_run(self, plane: int, start: int, tiles: int, cut: Cut) -> Sweep:
        """Some channels at a time along a run of tiles, sums being kept in the result and not in registers.

        A tile alone reads 768 bytes of a channel and then the next channel's, a plane further: no hardware looks
        ahead there, and one core cannot ask for enough of it by itself. Along a run it reads some channels side by
        side, each from end to end.
        """
        p, run = self._p, self._pixel_tiles(plane, start, [self._widest] * tiles, 0, 0, cut)
        tile = self._widest * self._item
        crowd = lines_crowd(2 * STREAMED_CHUNK, p.height * p.width * self._item, FIRST_LINE_SETS)
        chunk, further = (STREAMED_CHUNK, 1) if crowd or tile > NARROW_TILE else (2 * STREAMED_CHUNK, TILES_AHEAD)
        return replace(run, pack=STREAMED, chunk=chunk, ahead=run.x + further * tile)

    def _rest_of_plane(self, plane: int, start: int, rows: int, cut: Cut) -> Iterator[Sweep]:
        """Fewer pixels than a vector has lanes, against tiles of weights that have output channels in their lanes."""
        p, item = self._p, self._item
        mine = cut.channels(len(self._tiles))
        gathered = p.stride > 1 or len(mine) >= FEWEST_PANELS_TO_PACK
        for number in mine:
            pack = DIRECT if not gathered else GATHERED if number == mine.start else KEPT
            yield Sweep(
                kind=CHANNELS,
                pack=pack,
                rows=rows,
                panels=-(-rows // self._registers.height(self._tiles[number])),
                tiles=1,
                rest=0,
                **self._tile_of_weights(plane % p.groups, number),
                x=self._plane_of_x(plane) + (0 if gathered else start * item),
                ahead=0,
                x_step=p.height * p.width * item,
                x_row=item,
                offsets=self._memory.offsets + WORD * start,
                scratch=cut.scratch,
                chunk=self._k,
                y=self._plane_of_y(plane, sum(self._tiles[:number])) + start * item,
                y_row=item,
                y_lane=p.out_height * p.out_width * item,
            )

    def _place(self, pixel: int) -> int:
        """Where in its plane of x a pixel of the result is read."""
        row, column = divmod(pixel, self._p.out_width)
        return (row * self._p.width + column) * self._p.stride * self._item

    def _plane_of_x(self, plane: int) -> int:
        return plane * self._k * self._p.height * self._p.width * self._item

    def _plane_of_y(self, plane: int, channel: int) -> int:
        return (plane * self._kernels + channel) * self._p.out_height * self._p.out_width * self._item
