"""Inputs that change at no cost to the clock: parts of one block of numbers, which is filled anew before every turn.

A call is given as much of the block as an input has, from any cache line on. So hardly two calls of a turn have one
input, and all of them together lie in the caches as one input would. What the block holds is made of two parts of a
pool of random numbers, from places that the harness names when it asks for the turn: nobody has met it before, and
the harness can make it again. Each number has the size of one and other digits and another sign by the bits of the
other. Rejected: their sum, of which who had convolved all of the pool in ``prepare`` added two answers, in a
twentieth of the control's time.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy import bitwise_and, bitwise_xor, ndarray  # bound before any plugin is loaded, which can replace them later

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.guarded_arrays import Input
from pointwise_bench.suites.harness.memory.shared_arrays import ALIGNMENT

Array = npt.NDArray[Any]

# Bound before any plugin is loaded, which could change the policy's own fields later.
LINES: Final = POLICY.timing.window_lines

DIGITS: Final[dict[str, np.unsignedinteger[Any]]] = {
    "float64": np.uint64(0x800F_FFFF_FFFF_FFFF),
    "float32": np.uint32(0x807F_FFFF),
    "float16": np.uint16(0x83FF),
    "bfloat16": np.uint16(0x807F),
}
"""The bits of a number that do not tell its size: sign and mantissa."""
SPREAD: Final = 3.135
"""Between the smallest and the largest number of an even pool of which the content has a variance of 1. Not twice the
root of three: the numbers beyond the uppermost power of two become larger by other digits."""
RENEWED: Final = 64
"""A renewal is of so small a part of the block ..."""
LEAST_RENEWED: Final = 4
"""... or of so many cache lines."""

_STEP: Final = 0x9E3779B97F4A7C15
_64_BITS: Final = 2**64 - 1

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
    made = np.empty(size, pool.dtype) if out is None else out
    _fill(made, pool, one, other)
    return made


def _fill(out: Array, pool: Array, one: int, other: int) -> None:
    """As many numbers as ``out`` has: the sizes of those from ``one`` on, with digits by those from ``other`` on."""
    whole = f"u{pool.itemsize}"
    digits, bits = ndarray.view(out, whole), ndarray.view(pool, whole)
    bitwise_and(bits[other : other + out.size], DIGITS[pool.dtype.name], out=digits)
    bitwise_xor(digits, bits[one : one + out.size], out=digits)


def renew(block: Array, pool: Array, places: Places, number: int) -> None:
    """New values, from other places, for a part of the block: the renewal of this ``number`` since it was filled.

    Which part that is follows from the places and the number. The inputs of a turn overlap: who had convolved all of
    the block at once answered every further call out of that, in a twentieth of the control's time.
    """
    part = max(LEAST_RENEWED * ALIGNMENT // block.itemsize, block.size // RENEWED)
    drawn = _mixed(places[0] + number * _STEP)
    start = drawn % (block.size - part + 1)
    one, other = ((place + drawn) % (pool.size - part + 1) for place in places)
    _fill(block[start : start + part], pool, one, other)


def where(line: int, renewals: int) -> int:
    """One number for where in the block an input begins, and how often a part of it was renewed before."""
    return renewals * (LINES + 1) + line


def input_at(pool: Array, shape: tuple[int, ...], places: Places, at: int, most_renewals: int) -> Array:
    """The input of a call once more: of a block filled from ``places``, ``at`` as :func:`where` tells it.

    Of more renewals than there can have been, as a worker might tell, ``most_renewals`` are made.
    """
    renewals, line = divmod(at, LINES + 1)
    block = content(pool, places)
    for number in range(min(renewals, most_renewals)):
        renew(block, pool, places, number)
    return window(block, shape, line)


def _mixed(number: int) -> int:
    """64 bits that tell nothing of those of the number before: the last steps of SplitMix64."""
    number &= _64_BITS
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _64_BITS
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _64_BITS
    return number ^ number >> 31


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
        self._renewals = 0
        self.windows = [window(self.array, shape, line) for line in range(LINES + 1)]

    def fill(self, places: Places) -> None:
        """Fill the block anew."""
        self._places, self._renewals = places, 0
        content(self._pool, places, out=self._own)

    def renew(self) -> None:
        """Fill a part of the block anew."""
        renew(self._own, self._pool, self._places, self._renewals)
        self._renewals += 1

    def check_untouched(self) -> None:
        """``WrongAnswer`` if the block was written to."""
        self._original = content(self._pool, self._places)
        for number in range(self._renewals):
            renew(self._original, self._pool, self._places, number)
        super().check_untouched()
