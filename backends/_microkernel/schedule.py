"""Scheduling: which thread computes what, in which order, written down before the first call.

The schedule is a list of sweeps for each thread. A sweep holds one tile of the operand that is read in vectors and
takes panel after panel of the other one past it, so that the wide operand is the one that stays in the cache. Nothing
is left to decide when the layer runs, and no thread waits for another before the end.

Ways of sharing the work are weighed against each other by a model of their cost: every thread its own pixels, every
thread its own output channels, a grid of both, or one thread alone. The first reads no pixel twice; the second still
gives every core something where a picture of 7x7 has fewer vectors of pixels than would divide evenly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from backends._microkernel.blocking import even, lane_tiles, panels, share, vector_tiles
from backends._microkernel.registers import STREAMED_ROWS, Registers
from backends._microkernel.sweep import CHANNELS, COPIED, DIRECT, GATHERED, KEPT, PIXELS, STREAMED, Memory, Sweep
from backends.problem import ITEM_BYTES, Problem

FEWEST_PANELS_TO_PACK: Final = 3
BLOCK_BYTES: Final = 2**17  # pixels and results of a block (NHWC): an eighth of a usual second-level cache
STREAMED_BYTES: Final = 2**24  # of a picture, from which on it comes from main memory
RUN_BYTES: Final = 2**15  # of a channel that is streamed at once: the results of two such stay in a second cache
LATENCY: Final = 4  # cycles until a multiply-add's result can be used; a step with fewer chains waits for it
CALL: Final = 40  # cycles to enter a kernel, finish its tile and leave
REGION: Final = 6000  # cycles to wake a pool of threads and to wait for the last of them: below 2 us


@dataclass(frozen=True)
class _Cut:
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


def weight_tiles(problem: Problem, registers: Registers) -> list[int]:
    """How a group's output channels are cut into lanes, for the highest panel of pixels that they will meet."""
    p = problem
    if p.layout == "nchw" and p.height * p.width > 1:
        rest = p.out_height * p.out_width % registers.lanes
        height = panels(max(1, rest), registers)[0]
    else:  # a thread may get any number of pixels
        height = min(registers.rows, max(1, p.out_width if p.stride > 1 else p.pixels))
    return lane_tiles(p.out_channels // p.groups, height, registers)


class Scheduler:
    """Lays out the work of one problem (forward) for any number of threads."""

    def __init__(self, problem: Problem, registers: Registers, memory: Memory) -> None:
        self._p = problem
        self._registers = registers
        self._memory = memory
        self._item = ITEM_BYTES[problem.dtype]
        self._k = problem.in_channels // problem.groups
        self._kernels = problem.out_channels // problem.groups
        self._panels = panels(self._kernels, registers)
        # A picture of one pixel is the same in both layouts, and as rows of pixels a batch of them is one matrix.
        self._in_planes = problem.layout == "nchw" and problem.height * problem.width > 1
        self._tiles = weight_tiles(problem, registers)

    def schedule(self, threads: int) -> list[list[Sweep]]:
        """For each thread its sweeps, in order: the way of sharing whose last thread is done first.

        One thread alone is a way too, and the best one where waking the others would take longer than the work.
        """
        ways = [self._shared(threads // parts, parts) for parts in range(1, threads + 1) if threads % parts == 0]
        if threads > 1:
            ways.append(self._shared(1, 1))
        return min(ways, key=lambda way: max(sum(map(self._cost, part)) for part in way) + REGION * (len(way) > 1))

    def _shared(self, pixel_parts: int, channel_parts: int) -> list[list[Sweep]]:
        laid_out = self._of_planes if self._in_planes else self._of_rows
        places = [(pixels, channels) for pixels in range(pixel_parts) for channels in range(channel_parts)]
        return [
            list(laid_out(_Cut(pixels, pixel_parts, channels, channel_parts, scratch)))
            for (pixels, channels), scratch in zip(
                places, self._memory.scratch, strict=False
            )  # alone, a thread leaves the others' unused
        ]

    def _cost(self, sweep: Sweep) -> float:
        """Model of a sweep's time, in cycles of a core that starts one vector multiply-add in each."""
        vectors = sweep.lanes / self._registers.lanes
        if sweep.pack == STREAMED:
            return sweep.panels * (max(LATENCY, sweep.rows * vectors) * self._k + CALL)
        heights = even(sweep.rows, -(-sweep.rows // sweep.panels))
        cycles = sum(max(LATENCY, rows * vectors) * self._k + CALL for rows in heights)
        return cycles + (2 * vectors * self._k if sweep.pack == COPIED else 0)

    # --- NCHW: planes of pixels --------------------------------------------------------------------------------

    def _of_planes(self, cut: _Cut) -> Iterator[Sweep]:
        """Whole vectors of pixels are read as vectors; what is left of a plane is broadcast against channels."""
        p, lanes = self._p, self._registers.lanes
        pixels = p.out_height * p.out_width
        vectors, rest = pixels // lanes, pixels % lanes
        planes = p.batch * p.groups
        mine = cut.pixels(planes * vectors)
        for plane in range(planes):
            first, last = (min(max(end - plane * vectors, 0), vectors) for end in (mine.start, mine.stop))
            start = first * lanes
            if self._streams and cut.channels(len(self._panels)):
                for tiles in self._runs(last - first):
                    yield self._streamed_run(plane, start, tiles, cut)
                    start += tiles * self._widest
                    first += tiles * self._widest // lanes
            widths = vector_tiles(last - first, self._panels[0], self._registers)
            for number, width in enumerate(widths if cut.channels(len(self._panels)) else ()):
                following = width if number + 1 < len(widths) else 0
                yield self._pixel_tile(plane, start, width, following, cut)
                start += width
        # Parts that got a vector less than others are first to take a rest.
        for plane in range(planes if rest else 0):
            if plane % cut.pixel_parts == cut.pixel_part:
                yield from self._rest_of_plane(plane, vectors * lanes, rest, cut)

    def _pixel_tile(self, plane: int, start: int, width: int, following: int, cut: _Cut) -> Sweep:
        """One tile of pixels against this thread's panels of weights; the next tile begins ``following`` behind."""
        p, item, k = self._p, self._item, self._k
        mine = cut.channels(len(self._panels))
        before, rows = sum(self._panels[: mine.start]), sum(self._panels[mine.start : mine.stop])
        first = plane % p.groups * self._kernels + before
        x = self._plane_of_x(plane) + (start * item if p.stride == 1 else 0)
        copied = COPIED if len(mine) >= FEWEST_PANELS_TO_PACK else DIRECT
        return Sweep(
            kind=PIXELS,
            pack=GATHERED if p.stride > 1 else copied,
            rows=rows,
            panels=len(mine),
            lanes=width,
            valid=width,
            x=x,
            ahead=x + following * item,
            x_step=p.height * p.width * item,
            x_row=0,
            offsets=self._memory.offsets + 8 * start,
            scratch=cut.scratch,
            weight=self._memory.by_rows + first * k * item,
            bias=self._memory.bias + first * item,
            y=self._plane_of_y(plane, before) + start * item,
            y_row=p.out_height * p.out_width * item,
            y_lane=item,
        )

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

    def _streamed_run(self, plane: int, start: int, tiles: int, cut: _Cut) -> Sweep:
        """Some channels at a time along a run of tiles, sums being kept in the result and not in registers.

        A tile alone reads 768 bytes of a channel and then the next channel's, a plane further: no hardware looks
        ahead there, and one core cannot ask for enough of it by itself. Along a run it reads some channels side by
        side, each from end to end.
        """
        tile = self._pixel_tile(plane, start, self._widest, 0, cut)
        return replace(tile, pack=STREAMED, panels=tiles)

    def _rest_of_plane(self, plane: int, start: int, rows: int, cut: _Cut) -> Iterator[Sweep]:
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
                panels=len(panels(rows, self._registers)),
                **self._tile_of_weights(plane % p.groups, number),
                x=self._plane_of_x(plane) + (0 if gathered else start * item),
                ahead=0,
                x_step=p.height * p.width * item,
                x_row=item,
                offsets=self._memory.offsets + 8 * start,
                scratch=cut.scratch,
                y=self._plane_of_y(plane, sum(self._tiles[:number])) + start * item,
                y_row=item,
                y_lane=p.out_height * p.out_width * item,
            )

    def _plane_of_x(self, plane: int) -> int:
        return plane * self._k * self._p.height * self._p.width * self._item

    def _plane_of_y(self, plane: int, channel: int) -> int:
        return (plane * self._kernels + channel) * self._p.out_height * self._p.out_width * self._item

    # --- NHWC: rows of channels --------------------------------------------------------------------------------

    def _of_rows(self, cut: _Cut) -> Iterator[Sweep]:
        """Blocks of pixels, each against all tiles of weights, so that a block is still in the cache for the next."""
        p, item = self._p, self._item
        for group in range(p.groups):
            for x, y, rows in self._blocks(cut):
                for number in cut.channels(len(self._tiles)):
                    lane = group * self._kernels + sum(self._tiles[:number])
                    yield Sweep(
                        kind=CHANNELS,
                        pack=DIRECT,
                        rows=rows,
                        panels=len(panels(rows, self._registers)),
                        **self._tile_of_weights(group, number),
                        x=(x * p.in_channels + group * self._k) * item,
                        ahead=0,
                        x_step=item,
                        x_row=p.stride * p.in_channels * item,
                        offsets=0,
                        scratch=cut.scratch,
                        y=(y * p.out_channels + lane) * item,
                        y_row=p.out_channels * item,
                        y_lane=item,
                    )

    def _blocks(self, cut: _Cut) -> Iterator[tuple[int, int, int]]:
        """Pixels of one thread in blocks that lie evenly: the first one's number in x and in y, and how many."""
        p = self._p
        if p.stride == 1:
            mine = cut.pixels(p.pixels)
            most = max(self._registers.rows, BLOCK_BYTES // ((self._k + self._kernels) * self._item))
            start = mine.start
            for rows in even(len(mine), most):
                yield start, start, rows
                start += rows
            return
        for line in cut.pixels(p.batch * p.out_height):
            image, i = divmod(line, p.out_height)
            yield (image * p.height + i * p.stride) * p.width, line * p.out_width, p.out_width

    def _tile_of_weights(self, group: int, number: int) -> dict[str, int]:
        before = sum(self._tiles[:number])
        lane = group * sum(self._tiles) + before
        return {
            "lanes": self._tiles[number],
            "valid": min(self._tiles[number], self._kernels - before),
            "weight": self._memory.by_lanes + lane * self._k * self._item,
            "bias": self._memory.padded_bias + lane * self._item,
        }
