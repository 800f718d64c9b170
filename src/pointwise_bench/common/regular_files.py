"""Files that are opened only where they are plain files: a plugin can put a link, a pipe or a folder in their place."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, TypeVar

_Kept = TypeVar("_Kept")

_CAREFULLY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Follow no link, and wait for nobody: opening a named pipe for reading waits until somebody writes."""


class NotRegular(OSError):
    """A device or a pipe is in the place of a file."""


class TooLarge(OSError):
    """A file has more bytes than one of its kind can have; the text says how many."""


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


def open_sized(path: Path, most: int) -> BufferedReader:
    """The regular file ``path``, open for reading; ``OSError`` as :func:`open_regular`.

    :class:`TooLarge` where it has over ``most`` bytes: a file with a hole of a terabyte takes no room on a disk, and
    whoever begins to read it fills the memory.
    """
    file = os.fdopen(open_regular(path, os.O_RDONLY), "rb")
    size = os.fstat(file.fileno()).st_size
    if size <= most:
        return file
    file.close()
    raise TooLarge(oversize(size, most))


def oversize(size: int, most: int) -> str:
    """What is wrong with a file of ``size`` bytes where ``most`` are the most, in words."""
    return f"it has {size:,} bytes, and no such file has over {most:,}"


def read_regular(path: Path, most: int) -> bytes:
    """What the regular file ``path`` holds; ``OSError`` as :func:`open_sized`."""
    with open_sized(path, most) as file:
        data = file.read(most + 1)
    if len(data) > most:  # it has grown in the meantime, or is of a kind that does not say its size
        raise TooLarge(oversize(len(data), most))
    return data


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` into ``path``, whole or not at all, in the place of a link, too; ``OSError`` where it cannot be.

    Written beside it first, in a file that is new: one that is there was left by a process that was killed, or may lead
    elsewhere.
    """
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(open_regular(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def read_earlier(path: Path, most: int, read: Callable[[Any], list[_Kept]]) -> list[_Kept]:
    """What ``read`` takes of the JSON in ``path``, before that is written anew; nothing where no plain file is there.

    One that is too large, is no JSON, or that ``read`` refuses by an exception of Python's own, as it does a newer
    format, may be worth something to somebody: it is put aside as ``.damaged``. So would be one that the system does
    not give, if it were taken for none: that is an ``OSError``.
    """
    try:
        return read(json.loads(read_regular(path, most)))
    except (TooLarge, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        path.replace(path.with_name(f"{path.name}.damaged"))
    except OSError as error:
        if not isinstance(error, NotRegular | FileNotFoundError) and not path.is_symlink():
            raise
    return []
