"""One result as bytes that nobody can change any more, from the moment on in which it was taken.

A worker that learnt which of its results is looked at could still put that one right. So its bytes are written and
sealed at once, and the harness takes nothing that is not sealed. Where the system has no seals, they are bytes like
others.
"""

from __future__ import annotations

import fcntl
import os
from os import pwrite  # this and the next are bound before any plugin is loaded, which would learn of a copy by its own
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy import ascontiguousarray, ndarray, uint8

from pointwise_bench.suites.harness.memory.result_memory import ResultsLost, read_into
from pointwise_bench.suites.harness.memory.shared_arrays import SEALABLE, nameless_file

Array = npt.NDArray[Any]

_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE if SEALABLE else 0
_control: Final = fcntl.fcntl
_ADD: Final = fcntl.F_ADD_SEALS if SEALABLE else 0
_create: Final = os.memfd_create if SEALABLE else None
_FLAGS: Final = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING if SEALABLE else 0


def commit(array: Array) -> int:
    """The descriptor of a file in memory that holds the elements of ``array`` in C order. The caller closes it."""
    descriptor = nameless_file() if _create is None else _create("result", _FLAGS)
    left, written = ndarray.view(ndarray.reshape(ascontiguousarray(array), -1), uint8).data, 0
    while left.nbytes:
        count = pwrite(descriptor, left, written)
        left, written = left[count:], written + count
    if _create is not None:
        _control(descriptor, _ADD, _SEALS)
    return descriptor


def committed(descriptor: int, shape: tuple[int, ...], dtype: str) -> Array:
    """The array that :func:`commit` wrote there. ``ResultsLost`` for what is none, or could still be changed."""
    result = np.empty(shape, dtype)
    try:
        if SEALABLE and fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & _SEALS != _SEALS:
            raise ResultsLost("a result of the timed calls is not sealed")
        if (size := os.fstat(descriptor).st_size) != result.nbytes:
            raise ResultsLost(f"a result of the timed calls has {size} bytes instead of {result.nbytes}")
        read_into(result, descriptor, 0, "a result of the timed calls")
    except OSError as error:
        raise ResultsLost(f"a result of the timed calls cannot be read: {error}") from error
    return result
