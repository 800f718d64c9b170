"""A descriptor with a number that ``select`` does not take, as the next one has where a thousand are open."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

FD_SETSIZE = 1024  # sys/select.h


@contextmanager
def numbered_high(descriptor: int) -> Iterator[int]:
    """A duplicate of ``descriptor``, which is closed behind it where nobody has done that."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 2 * FD_SETSIZE), before[1]))
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FD_SETSIZE)
        try:
            yield high
        finally:
            os.close(high)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
