"""A depthwise convolution by code of our own: what lies between the 1x1 convolutions of mobile networks.

Measured on layers of MobileNetV2, a call of oneDNN for it took two to three times as long on pictures of 14 x 14 and of
7 x 7. On the largest oneDNN is as fast, and then it is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pointwise_bench.backends._microkernel.layer import aligned_copy
from pointwise_bench.torch.own_kernel.layer import Kernel, Region, assembled
from pointwise_bench.torch.own_kernel.team import team

PIECE_ELEMENTS: Final = 2**12
"""16 KiB: what follows the sums finds a piece in the first-level cache."""
ITEM: Final = 4


@dataclass(frozen=True)
class Depthwise:
    """Pictures with ``channels`` each, and the square of weights that each channel has of its own."""

    batch: int
    channels: int
    height: int
    width: int
    side: int
    stride: int
    padding: int

    @property
    def out_height(self) -> int:
        """Rows of a result."""
        return (self.height + 2 * self.padding - self.side) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Pixels in a row of a result."""
        return (self.width + 2 * self.padding - self.side) // self.stride + 1


def own_depthwise(layer: Depthwise, weight: Any, bias: Any, activation: str, threads: int) -> Kernel | None:
    """``weight`` is channels by taps, an array as ``bias`` is; None where channels do not fill vectors."""
    import numpy as np

    from pointwise_bench.torch.own_kernel import depthwise_code

    if layer.channels % depthwise_code.LANES or min(layer.out_height, layer.out_width) < 1:
        return None
    shared = team() if threads > 1 else None
    arrays = aligned_copy(np.ascontiguousarray(weight.T)), aligned_copy(bias)
    parts = _parts(layer, threads if shared else 1)
    known = (layer.height, layer.width, layer.channels, layer.out_width, layer.stride, layer.padding, layer.side)
    pieces = [word for part in parts for piece in part for word in _words(layer, *piece)]
    plan = np.array([*(one.ctypes.data for one in arrays), *known, *pieces], np.int64)
    regions = [[_region(layer, *piece) for piece in part] for part in parts]
    return assembled(depthwise_code.carry_out.address, plan, regions, activation, shared, arrays)


def _parts(layer: Depthwise, threads: int) -> list[list[tuple[int, int, int]]]:
    """For each thread its pieces: picture, first row, rows."""
    lines = [(picture, row) for picture in range(layer.batch) for row in range(layer.out_height)]
    count = min(threads, len(lines))
    most = max(1, PIECE_ELEMENTS // (layer.out_width * layer.channels))
    parts = []
    for number in range(count):
        own = lines[number * len(lines) // count : (number + 1) * len(lines) // count]
        pieces: list[tuple[int, int, int]] = []
        for picture, row in own:
            if pieces and pieces[-1][0] == picture and pieces[-1][2] < most:
                pieces[-1] = (picture, pieces[-1][1], pieces[-1][2] + 1)
            else:
                pieces.append((picture, row, 1))
        parts.append(pieces)
    return parts


def _words(layer: Depthwise, picture: int, first: int, rows: int) -> tuple[int, int, int, int]:
    source = ITEM * picture * layer.height * layer.width * layer.channels
    return source, _begin(layer, picture, first), first, rows


def _region(layer: Depthwise, picture: int, first: int, rows: int) -> Region:
    """A piece's result is one run of memory."""
    return _begin(layer, picture, first), 1, 0, rows * layer.out_width * layer.channels


def _begin(layer: Depthwise, picture: int, row: int) -> int:
    return ITEM * (picture * layer.out_height + row) * layer.out_width * layer.channels
