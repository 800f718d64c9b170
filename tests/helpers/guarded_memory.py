"""Arrays between pages that may not be touched: one byte too far, read or written, ends the process."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any, Literal

import numpy as np

PAGE = mmap.PAGESIZE
FORBIDDEN = 0  # PROT_NONE
_libc = ctypes.CDLL(None, use_errno=True)


class Guarded:
    """Hands out arrays that end, or begin, exactly at a forbidden page. Keep it for as long as they are used."""

    def __init__(self) -> None:
        self._held: list[mmap.mmap] = []

    def array(self, shape: tuple[int, ...], dtype: Any, at: Literal["end", "start"] = "end") -> np.ndarray:
        """Zeros of so many elements, with a forbidden page in front of them and one behind."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        pages = -(-size // PAGE) or 1
        memory = mmap.mmap(-1, (pages + 2) * PAGE)
        self._held.append(memory)
        first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for page in (first, first + (pages + 1) * PAGE):
            if _libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), FORBIDDEN):
                raise OSError(ctypes.get_errno(), "mprotect")
        start = PAGE if at == "start" else (pages + 1) * PAGE - size
        array: np.ndarray = np.frombuffer(memory, np.uint8, size, start).view(dtype).reshape(shape)
        return array

    def copy(self, array: np.ndarray, at: Literal["end", "start"] = "end") -> np.ndarray:
        """A read-only copy between forbidden pages."""
        copied = self.array(array.shape, array.dtype, at)
        copied[...] = array
        copied.flags.writeable = False
        return copied
