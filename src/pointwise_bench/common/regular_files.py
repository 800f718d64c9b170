"""Files that are opened only where they are plain files: a plugin can put a link, a pipe or a folder in their place."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

_CAREFULLY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Follow no link, and wait for nobody: opening a named pipe for reading waits until somebody writes."""


class NotRegular(OSError):
    """A device or a pipe is in the place of a file."""


def open_regular(path: Path, flags: int, mode: int = 0o666) -> int:
    """A descriptor of the regular file ``path``.

    :class:`NotRegular` where a device or a pipe is there, which is not waited for; ``OSError`` as the system has it
    otherwise, for a link, too.
    """
    descriptor = os.open(path, flags | _CAREFULLY, mode)
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise NotRegular(f"{path}: is no regular file")


def read_regular(path: Path) -> bytes:
    """What the regular file ``path`` holds; ``OSError`` as :func:`open_regular`."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        return file.read()


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` into ``path``, whole or not at all, in the place of a link, too; ``OSError`` where it cannot be.

    Written beside it first, in a file that is new: one that is there was left by a process that was killed, or may lead
    elsewhere.
    """
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(open_regular(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
