"""Inputs that change at no cost to the clock: parts of one block of numbers, which is filled anew before every turn.

A call is given as much of the block as an input has, from any cache line on. So hardly two calls of a turn have one
input, and all of them together lie in the caches as one input would. What the block holds is the sum of two parts of
a pool of random numbers, from places that the harness names when it asks for the turn: nobody has met it before, and
the harness can make it again.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy import add  # bound before any plugin is loaded, which can replace it in its module later

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.guarded_arrays import Input
from pointwise_bench.suites.harness.memory.shared_arrays import ALIGNMENT

Array = npt.NDArray[Any]

# Bound before any plugin is loaded, which could change the policy's own fields later.
LINES: Final = POLICY.timing.window_lines

Places = tuple[int, int]
"""From where on the two parts of the pool are taken."""


def moved(places: Places, by: int) -> Places:
    """Both places, moved by as much."""
    return places[0] + by, places[1] + by


def pool_size(size: int, itemsize: int) -> int:
    """Elements of the pool of an input of ``size`` elements: twice what its block has."""
    return 2 * (size + LINES * (ALIGNMENT // itemsize))


def content(pool: Array, places: Places, out: Array | None = None) -> Array:
    """What the block holds when its parts are taken from ``places``, each counted round in the pool."""
    size = pool.size // 2
    one, other = (place % (size + 1) for place in places)
    return np.asarray(add(pool[one : one + size], pool[other : other + size], out=out))


def window(block: Array, shape: tuple[int, ...], line: int) -> Array:
    """The input of a call: the block's part from cache line ``line`` on."""
    start = line * (ALIGNMENT // block.itemsize)
    return block[start : start + math.prod(shape)].reshape(shape)


class Windows(Input):
    """The block of one input, with all its windows, which are read-only for the backend."""

    def __init__(self, shape: tuple[int, ...], pool: Array) -> None:
        super().__init__(content(pool, (0, 0)))
        self._pool = pool
        self._places: Places = (0, 0)
        self.windows = [window(self.array, shape, line) for line in range(LINES + 1)]

    def fill(self, places: Places) -> None:
        """Fill the block anew."""
        self._places = places
        content(self._pool, places, out=self._own)

    def check_untouched(self) -> None:
        """``WrongAnswer`` if the block was written to."""
        self._original = content(self._pool, self._places)
        super().check_untouched()
