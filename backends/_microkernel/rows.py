"""Sweeps of NHWC: rows of channels, read in vectors against broadcast pixels, or along them as dot products.

So are pictures of one pixel, which are the same in both layouts: as rows of pixels a batch of them is one matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pointwise_bench.backends._microkernel.blocking import Cut, even
from pointwise_bench.backends._microkernel.kernels.registers import DOT_LANES
from pointwise_bench.backends._microkernel.layout import SweepLayout
from pointwise_bench.backends._microkernel.sweep import CHANNELS, DIRECT, DOTS, Sweep

BLOCK_BYTES: Final = 2**17  # pixels and results of a block: an eighth of a usual second-level cache
MANY_WEIGHTS: Final = 2**20  # bytes that no second-level cache keeps from block to block
READ_BYTES: Final = (
    2**18
)  # pixels of a block that meets them: half a second-level cache, and the weights come less often
DOT_STEPS: Final = 4  # vectors of input channels that make adding up their sums worth while


class Rows(SweepLayout):
    """Blocks of pixels, each against all tiles of weights, so that a block is still in the cache for the next."""

    def sweeps(self, cut: Cut) -> Iterator[Sweep]:
        """Block after block, in which tile after tile."""
        p, item = self._p, self._item
        for group in range(p.groups):
            for x, y, rows in self._blocks(cut):
                for first, height, weights in self._weights(group, cut):
                    yield Sweep(
                        pack=DIRECT,
                        rows=rows,
                        panels=-(-rows // height),
                        tiles=1,
                        rest=0,
                        **weights,
                        x=(x * p.in_channels + group * self._k) * item,
                        ahead=0,
                        x_step=item,
                        x_row=p.stride * p.in_channels * item,
                        offsets=0,
                        scratch=cut.scratch,
                        chunk=self._k,
                        y=(y * p.out_channels + group * self._kernels + first) * item,
                        y_row=p.out_channels * item,
                        y_lane=item,
                    )

    def _weights(self, group: int, cut: Cut) -> Iterator[tuple[int, int, dict[str, int]]]:
        """What a block of pixels meets: the first output channel, the most rows of a panel, and a sweep's fields."""
        if not self._are_dots:
            for number in cut.channels(len(self._tiles)):
                height = self._registers.height(self._tiles[number])
                yield sum(self._tiles[:number]), height, {"kind": CHANNELS, **self._tile_of_weights(group, number)}
        elif cut.channels(1):  # all output channels at once: they are too few to be shared among threads
            yield 0, self._registers.pixels(self._kernels), {"kind": DOTS, **self._weights_as_given(group)}

    @property
    def _are_dots(self) -> bool:
        """Whether there are too few output channels to fill vectors, and input channels enough."""
        return self._kernels <= DOT_LANES and self._k >= DOT_STEPS * self._registers.lanes

    def _weights_as_given(self, group: int) -> dict[str, int]:
        first = group * self._kernels
        return {
            "lanes": self._kernels,
            "valid": self._kernels,
            "weight": self._memory.as_given + first * self._k * self._item,
            "bias": self._memory.bias + first * self._item,
        }

    def _blocks(self, cut: Cut) -> Iterator[tuple[int, int, int]]:
        """Pixels of one thread in blocks that lie evenly: the first one's number in x and in y, and how many."""
        p = self._p
        if p.stride == 1:
            mine = cut.pixels(p.pixels)
            block = BLOCK_BYTES // ((self._k + self._kernels) * self._item)
            if self._k * self._kernels * self._item > MANY_WEIGHTS:
                # 49 pixels of 768 channels by 3,072: seven blocks read 66 MB of weights, one takes two thirds as long.
                block = max(block, READ_BYTES // (self._k * self._item))
            most = max(self._registers.rows, block)
            start = mine.start
            for rows in even(len(mine), most):
                yield start, start, rows
                start += rows
            return
        for line in cut.pixels(p.batch * p.out_height):
            image, i = divmod(line, p.out_height)
            yield (image * p.height + i * p.stride) * p.width, line * p.out_width, p.out_width
