"""What the processor's registers allow: how wide a vector is, and how large a tile may be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Final

_MANY: Final = (24, 8)
_FEW: Final = (12, 6)
_LONGEST: Final = 12  # vectors in a row
_MOST_PIXELS: Final = 8  # read side by side: each is a stream of its own

USUAL_VECTORS: Final = 3
"""In a tile of several rows: with them a step loads least for its multiply-adds, 4 x 3 and 8 x 3."""

STREAMED_ROWS: Final = 4
"""Most output channels of a layer whose pixels are streamed (schedule.py): more of them hide the memory's latency."""


DOT_LANES: Final = 4
"""Most output channels of a layer in NHWC that is computed as dot products (dots.py)."""


@dataclass(frozen=True)
class Registers:
    """A vector has ``lanes`` elements; a tile at most ``rows`` rows and ``sums`` vectors in all.

    Its accumulators, the vectors of one step and the broadcasts must fit together: of 32 registers 24 hold sums, of 16
    they are 12. Eight rows and not nine because channel counts are mostly multiples of eight.
    """

    lanes: int
    sums: int
    rows: int

    def vectors(self, rows: int) -> int:
        """Vectors in a row of the widest tile that is so many rows high: the fewer rows, the longer they are.

        8 x 3, 6 x 4, 4 x 6, ..., 1 x 12. A long row reads a long run of memory, and gives a tile of one row enough sums
        to wait for.
        """
        return min(self.sums // rows, _LONGEST)

    def height(self, lanes: int) -> int:
        """Rows of the highest tile that is so many lanes wide."""
        return min(self.rows, self.sums // -(-lanes // self.lanes))

    def pixels(self, outputs: int) -> int:
        """Pixels in the highest tile of dot products with so many output channels.

        Beside the sums stand a vector of each output channel's weights and one of a pixel.
        """
        available = self.sums * 4 // 3
        return min(_MOST_PIXELS, (available - 1 - outputs) // outputs)

    @property
    def most_rest(self) -> int:
        """Most pixels of a rest that meet panels of weights in a vector, which panels do not fill."""
        return max(1, self.half // 2)

    @property
    def half(self) -> int:
        """Elements in half a vector: the next smaller register. Its multiply-add may take a whole one's time."""
        return self.lanes // 2


def registers_of(features: Collection[str], machine: str, item: int) -> Registers:
    """By the names that LLVM gives to a processor's features; ``item`` is the size of an element in bytes."""
    if machine.startswith(("aarch64", "arm64")):
        width, tile = 16, _MANY  # NEON has 32 registers
    elif {"avx512f", "avx512vl"} <= set(features):
        width, tile = 64, _MANY
    elif "avx" in features:
        width, tile = 32, _FEW
    else:
        width, tile = 16, _FEW  # SSE2, and whatever else: LLVM splits or joins what the processor does not have
    return Registers(width // item, *tile)


@cache
def of_this_host(item: int) -> Registers:
    """The registers of the processor that this process runs on."""
    import platform

    from llvmlite import binding

    features = {name for name, there in binding.get_host_cpu_features().items() if there}
    return registers_of(features, platform.machine().lower(), item)
