"""Files that are opened only where they are plain files: a plugin can put a link, a pipe or a folder in their place."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_CAREFULLY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Follow no link, and wait for nobody: opening a named pipe for reading waits until somebody writes."""


def open_regular(path: Path, flags: int, mode: int = 0o666) -> int:
    """A descriptor of the regular file ``path``; ``OSError`` where something else is there, without waiting for it."""
    descriptor = os.open(path, flags | _CAREFULLY, mode)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(f"{path}: is no regular file")


def open_log(path: Path) -> int:
    """A descriptor that appends to the log ``path``. What is there and no regular file is moved aside.

    The run must go on whatever a plugin has put there, and nothing of the user's may be lost by it.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    try:
        return open_regular(path, flags)
    except OSError:
        number = next(number for number in range(1, 10**6) if not os.path.lexists(f"{path}.{number}"))
        path.rename(f"{path}.{number}")
        return open_regular(path, flags)
