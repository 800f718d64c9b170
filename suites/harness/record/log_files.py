"""The logs of workers: opened so that nothing a plugin has put in their place is followed or waited for."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from pointwise_bench.common.regular_files import NotRegular, open_regular

_IN_THE_WAY: Final = frozenset({errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.EACCES})
"""What opening fails by where a folder, a link, or a pipe that nobody reads is there, or a file without permissions,
which a plugin can take from it. All else, as a full disk, is no reason to move what may be a log."""


def open_log(path: Path) -> int:
    """A descriptor that appends to the log ``path``. What is there and no regular file is moved aside.

    The run must go on whatever a plugin has put there, and nothing of the user's may be lost by it.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    try:
        return open_regular(path, flags)
    except OSError as error:
        in_the_way = isinstance(error, NotRegular) or error.errno in _IN_THE_WAY
        if not (in_the_way and os.path.lexists(path)):
            raise
        number = next(number for number in range(1, 10**6) if not os.path.lexists(f"{path}.{number}"))
        path.rename(f"{path}.{number}")
        return open_regular(path, flags)
