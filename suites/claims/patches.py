"""Gathering patches, and packing a k x k kernel in the same order: NumPy, the same for every backend."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pointwise_bench.suites.claims.stages import Patches

Array = npt.NDArray[Any]

_ALIGNMENT: Final = 64  # bytes, as the arrays that a backend is given have


class Gather:
    """Copies patches into one buffer that is made once: no call pays for fresh pages, and the border stays zero.

    One copy for each of the k * k places in the window, each of a whole shifted picture. A view with overlapping
    strides would need no copy here, but no library multiplies such a view: it would be copied there.
    """

    def __init__(self, patches: Patches, dtype: str = "float32") -> None:
        p = patches
        nchw = p.layout == "nchw"
        window = (p.size, p.size, p.channels)
        shape = (p.batch, *window, p.out_height, p.out_width) if nchw else (p.batch, p.out_height, p.out_width, *window)
        buffer = _aligned_zeros(shape, dtype)
        channels = p.size**2 * p.channels
        flat = (
            (p.batch, channels, p.out_height, p.out_width) if nchw else (p.batch, p.out_height, p.out_width, channels)
        )
        self._result = buffer.reshape(flat)
        self._result.flags.writeable = False
        self._moves: list[tuple[Array, tuple[slice, ...]]] = []
        for i in range(p.size):
            for j in range(p.size):
                to_rows, from_rows = _overlap(p.height, p.out_height, p.stride, i - p.border)
                to_columns, from_columns = _overlap(p.width, p.out_width, p.stride, j - p.border)
                every = slice(None)
                if nchw:
                    target = buffer[:, i, j, :, to_rows, to_columns]
                    self._moves.append((target, (every, every, from_rows, from_columns)))
                else:
                    target = buffer[:, to_rows, to_columns, i, j, :]
                    self._moves.append((target, (every, from_rows, from_columns)))

    def __call__(self, x: Array) -> Array:
        """The patches of ``x``, read-only, in the buffer that the next call overwrites."""
        for target, source in self._moves:
            target[...] = x[source]
        return self._result


def packed(kernel: Array) -> Array:
    """``(out_channels, k * k * in_channels)`` of a kernel ``(out_channels, in_channels, k, k)``, as patches lie.

    Read-only and aligned, as weights are that a backend is given.
    """
    out_channels = kernel.shape[0]
    weight = _aligned_zeros((out_channels, kernel.size // out_channels), kernel.dtype.name)
    weight[...] = kernel.transpose(0, 2, 3, 1).reshape(out_channels, -1)
    weight.flags.writeable = False
    return weight


def _overlap(size: int, out_size: int, stride: int, shift: int) -> tuple[slice, slice]:
    """Which windows have this place inside the picture, and the rows or columns that they take there."""
    first = max(0, -(shift // stride))  # the least w with w * stride + shift >= 0
    last = min(out_size - 1, (size - 1 - shift) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    begin = first * stride + shift
    return slice(first, last + 1), slice(begin, begin + (last - first) * stride + 1, stride)


def _aligned_zeros(shape: tuple[int, ...], dtype: str) -> Array:
    size = int(np.prod(shape))
    item = np.dtype(dtype).itemsize
    memory = np.zeros(size + _ALIGNMENT // item, dtype)
    start = -memory.ctypes.data % _ALIGNMENT // item
    return memory[start : start + size].reshape(shape)
