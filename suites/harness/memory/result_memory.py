"""Memory that the harness has made for a worker's results: the worker writes to it, and the harness reads.

A worker's word is not taken for what a layer has returned: its bytes are. They are read as a copy, so that who still
writes changes nothing that is being compared, and through the descriptor instead of a mapping, which a process that
cuts the memory short would make a trap. Written through it too: nine results of 3 MB took 13 ms so, and 24 ms through
mappings, each page of which is asked for anew.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
from collections.abc import Sequence
from os import fstat, pwrite
from typing import Any, Final

import ml_dtypes  # noqa: F401  # tells NumPy the name bfloat16
import numpy as np
import numpy.typing as npt

# Bound before any plugin is loaded, which can replace them in their module later.
from numpy import ascontiguousarray, ndarray, uint8

from pointwise_bench.suites.harness.memory.shared_arrays import SEALABLE, nameless_file

Array = npt.NDArray[Any]

_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL if SEALABLE else 0


class ResultsLost(Exception):
    """The memory of results is not what the harness has made."""


class ResultMemory:
    """A place for each of ``names``, for an array of ``shape`` and ``dtype``. Owns ``descriptor``."""

    def __init__(self, descriptor: int, names: Sequence[str], shape: tuple[int, ...], dtype: str) -> None:
        self.descriptor = descriptor
        self._names = tuple(names)
        self._shape = shape
        self._dtype = np.dtype(dtype)
        self._bytes = math.prod(shape) * self._dtype.itemsize
        self._step = -(-self._bytes // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY

    @classmethod
    def made(cls, names: Sequence[str], shape: tuple[int, ...], dtype: str) -> ResultMemory:
        """New memory, whose size nobody can change where the system has seals."""
        memory = cls(nameless_file(), names, shape, dtype)
        os.ftruncate(memory.descriptor, max(1, memory._step * len(names)))
        if SEALABLE:
            fcntl.fcntl(memory.descriptor, fcntl.F_ADD_SEALS, _SEALS)
        return memory

    def write(self, name: str, array: Array) -> None:
        """Put a copy of ``array``, which has the shape and type of a result, into the place called ``name``.

        ``ResultsLost`` where the descriptor leads to no such memory any more: a plugin can close what is not its own.
        """
        left = _bytes_of(ascontiguousarray(array))
        offset = self._offset(name)
        try:
            if fstat(self.descriptor).st_size < offset + self._bytes:
                raise OSError("it is shorter")
            while left:
                count = pwrite(self.descriptor, left, offset)
                left, offset = left[count:], offset + count
        except OSError as error:
            raise ResultsLost(f"no memory for results: a descriptor was closed or replaced ({error})") from error

    def read(self, name: str) -> Array:
        """What has been written there, as a copy; zeros where nothing was. ``ResultsLost`` where the memory is gone."""
        result = np.empty(self._shape, self._dtype)
        read_into(result, self.descriptor, self._offset(name), f"the memory of the result {name!r}")
        return result

    def close(self) -> None:
        """Let go of the memory; twice is safe."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> ResultMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _offset(self, name: str) -> int:
        return self._names.index(name) * self._step


def _bytes_of(array: Array) -> memoryview:
    """Its memory, which lies in C order."""
    return ndarray.reshape(array, -1).view(uint8).data


def read_into(result: Array, descriptor: int, offset: int, what: str) -> None:
    """Fill ``result``, in C order, from there on. ``ResultsLost`` where ``what`` ends before it is full."""
    left = _bytes_of(result)
    while left:
        count = os.preadv(descriptor, [left], offset)
        if count == 0:
            raise ResultsLost(f"{what} was cut short")
        left, offset = left[count:], offset + count
