"""Where tests have their folders of temporary files: in memory, where the system offers that and there is room.

They make some ten thousand, which a disk's journal notes one by one: a fifth of the processor time of tests that write
runs and pages, and minutes of waiting where others write to the same disk.
"""

from __future__ import annotations

import os
from typing import Final

import psutil

OF_THE_SYSTEM: Final = "/dev/shm"
ENOUGH: Final = 4 << 30
"""Bytes that must be free there and in memory: of tests that failed, pytest keeps the folders of three sessions."""
NAMES_IT: Final = "PYTEST_DEBUG_TEMPROOT"


def use_memory() -> None:
    """For this session and the processes that it starts, unless the user has named a folder."""
    if is_fit(OF_THE_SYSTEM):
        os.environ.setdefault(NAMES_IT, OF_THE_SYSTEM)


def is_fit(folder: str, enough: int = ENOUGH) -> bool:
    """Whether one may write there, and load the code that was compiled there, and there is room."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    free = min(found.f_bavail * found.f_frsize, psutil.virtual_memory().available)
    return os.access(folder, os.W_OK) and not found.f_flag & os.ST_NOEXEC and free >= enough
