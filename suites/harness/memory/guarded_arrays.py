"""Arrays that a backend is given: private copies, read-only, guarded on both sides, and compared afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Bound before any plugin is loaded, which can replace them in their module later.
from numpy import array_equal, ascontiguousarray, ndarray, uint8

from pointwise_bench.suites.harness.memory.random_layout import lines_into_page
from pointwise_bench.suites.harness.memory.shared_arrays import ALIGNMENT
from pointwise_bench.suites.harness.record.ended import WrongAnswer

Array = npt.NDArray[Any]
OnDevice = tuple[Any, ...]  # a layer's inputs as the backend's own kind of array


class Input:
    """A private copy of one input: read-only for the backend, 64-byte aligned, with NaN on both sides of it.

    The guards make a read past either end visible where the backend works on this very memory. Where in its page it
    begins is drawn anew each time, see :mod:`pointwise_bench.suites.harness.memory.random_layout`.
    """

    def __init__(self, original: Array) -> None:
        guard = ALIGNMENT // original.itemsize  # elements
        shift = guard * lines_into_page()
        memory = np.empty(original.size + shift + 3 * guard, original.dtype)
        start = shift + guard + -memory.ctypes.data % ALIGNMENT // original.itemsize
        end = start + original.size
        memory[:start], memory[end:] = np.nan, np.nan
        self._own = memory[start:end].reshape(original.shape)
        self._own[...] = original
        self._original = original
        self.array = self._own[...]
        self.array.flags.writeable = False

    def replace_by(self, original: Array) -> None:
        """Change the values in place, as an application does that fills the same buffer again."""
        self._own[...] = original
        self._original = original

    def check_untouched(self) -> None:
        """``WrongAnswer`` if this input was written to."""
        if not same_bits(self._own, self._original):
            raise WrongAnswer("changes its input: the array that the harness passed was written to")


class Inputs:
    """The private copies of all inputs of one case: one array, or two for ``backward-weight``."""

    def __init__(self, originals: tuple[Array, ...]) -> None:
        self._inputs = tuple(Input(each) for each in originals)
        self.arrays = tuple(each.array for each in self._inputs)

    def read_through(self) -> None:
        """Bring the arrays into the caches, as far as they fit."""
        for each in self.arrays:
            ndarray.max(ndarray.view(ndarray.reshape(each, -1), uint8), initial=0)

    def replace_by(self, originals: tuple[Array, ...]) -> None:
        """See :meth:`Input.replace_by`."""
        for mine, original in zip(self._inputs, originals, strict=True):
            mine.replace_by(original)

    def check_untouched(self) -> None:
        """See :meth:`Input.check_untouched`."""
        for each in self._inputs:
            each.check_untouched()


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays of one shape and type hold the same, bit for bit: a NaN is equal to itself, and 0 not to -0.

    Faster than comparing numbers, and without the copies that comparing bytes takes.
    """
    return array_equal(_bits(a), _bits(b))


def _bits(array: Array) -> Array:
    """Its elements as integers, a view where they lie in C order."""
    return ndarray.view(ndarray.reshape(ascontiguousarray(array), -1), f"u{array.itemsize}")
