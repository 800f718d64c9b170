"""The logs of workers: opened so that nothing a plugin has put in their place is followed or waited for."""

from __future__ import annotations

import os
from pathlib import Path

from pointwise_bench.common.regular_files import open_regular


def open_log(path: Path) -> int:
    """A descriptor that appends to the log ``path``. What is there and no regular file is moved aside.

    The run must go on whatever a plugin has put there, and nothing of the user's may be lost by it.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    try:
        return open_regular(path, flags)
    except OSError:
        if not os.path.lexists(path):
            raise  # nothing stands in its place: the disk is full, or no descriptor is left
        number = next(number for number in range(1, 10**6) if not os.path.lexists(f"{path}.{number}"))
        path.rename(f"{path}.{number}")
        return open_regular(path, flags)
