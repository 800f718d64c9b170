"""Named arrays in one block of shared memory that leaves nothing behind.

The block has no name: it exists as long as a descriptor or a mapping does, however a run ends. A named
``multiprocessing.shared_memory`` would outlive a parent that is killed. Where the kernel can seal it, it cannot be
changed once it is written: all backends of a problem read the same block, and a worker that cut a block short would
kill the reader.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import tempfile
from collections.abc import Mapping
from typing import Any

import ml_dtypes  # noqa: F401  # tells NumPy the name bfloat16
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

ALIGNMENT = 64  # bytes: one cache line, and the widest vector register

SEALABLE = hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS")
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE if SEALABLE else 0


def write_block(arrays: Mapping[str, Array]) -> int:
    """A new block that holds copies of ``arrays``. Returns its file descriptor; the caller closes it."""
    index, size = _index(arrays)
    header = json.dumps(index).encode()
    start = _aligned(8 + len(header))
    descriptor = nameless_file()
    os.ftruncate(descriptor, start + size)
    with mmap.mmap(descriptor, start + size) as memory:
        memory[: 8 + len(header)] = len(header).to_bytes(8, "little") + header
        for entry, array in zip(index, arrays.values(), strict=True):
            view = np.frombuffer(memory, array.dtype, array.size, start + entry["offset"])
            view[:] = array.ravel()
            del view  # a live view would keep the mapping from closing
    if SEALABLE:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


def read_block(descriptor: int) -> dict[str, Array]:
    """The arrays of a block, read-only; the mapping lives as long as they do. Closes the descriptor.

    ``ValueError`` for what is no block, or could still be changed.
    """
    try:
        if SEALABLE and fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & _SEALS != _SEALS:
            raise ValueError("the block is not sealed")
        # Private: older kernels refuse shared mappings of what is sealed. Nothing is copied, as nothing is written.
        memory = mmap.mmap(descriptor, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    except OSError as error:
        raise ValueError(f"no block: {error}") from error
    finally:
        os.close(descriptor)
    header_bytes = int.from_bytes(memory[:8], "little")
    start = _aligned(8 + header_bytes)
    try:
        return {entry["name"]: _view(memory, start, entry) for entry in json.loads(memory[8 : 8 + header_bytes])}
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"no block: {error}") from error


def _view(memory: mmap.mmap, start: int, entry: dict[str, Any]) -> Array:
    shape = tuple(entry["shape"])
    count = int(np.prod(shape))
    if count == 0:  # frombuffer refuses an empty view at the very end
        return np.empty(shape, entry["dtype"])
    return np.frombuffer(memory, entry["dtype"], count, start + entry["offset"]).reshape(shape)


def _index(arrays: Mapping[str, Array]) -> tuple[list[dict[str, Any]], int]:
    """Where each array lies behind the header, and the size of them all; at least one byte, which mmap needs."""
    index, offset = [], 0
    for name, array in arrays.items():
        index.append({"name": name, "shape": array.shape, "dtype": _name(array.dtype), "offset": offset})
        offset = _aligned(offset + array.nbytes)
    return index, max(offset, 1)


def _name(dtype: np.dtype[Any]) -> str:
    """What ``np.dtype`` takes back: ``str`` has the order of the bytes, but calls bfloat16 a nameless two bytes."""
    return dtype.name if dtype.kind == "V" else dtype.str


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def nameless_file() -> int:
    """The descriptor of an empty file in memory; where the system has no such thing, of one that is unlinked."""
    if SEALABLE:
        return os.memfd_create("block", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
