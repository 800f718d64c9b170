"""Locks by which one process alone measures on a machine, and one process alone writes to the folder of a run.

The kernel holds them (``flock``) and lets go of them when their process ends, however it ends: the file that a killed
run leaves behind hinders nobody. What the file says is for people only.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pointwise_bench.common.regular_files import open_regular
from pointwise_bench.suites.harness.record.text import one_line

MACHINE_LOCK: Final = "POINTWISE_BENCH_MACHINE_LOCK"
"""Environment variable: the file that all runs of one machine share, in the place of the usual one. The project's own
tests, which do not look at times and run beside each other, have one for each process."""
SHARED: Final = Path("/tmp")  # noqa: S108  # everybody's, where only a lock is kept
"""Not ``TMPDIR``, of which a user or a batch job may have another: two runs would go unnoticed by each other."""
LONGEST_HOLDER: Final = 300  # characters; another user may have written them


class LockedByAnother(Exception):
    """Another process holds the lock; the text names it."""


class Lock:
    """A lock that this process holds until :meth:`release`, or until it ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path, doing: str) -> Lock:
        """Take the lock ``path``; ``doing`` tells others what for.

        ``LockedByAnother`` where somebody has it, ``OSError`` where there can be no such file.
        """
        while True:
            descriptor = _opened(path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(path, descriptor):
                    break
            except BlockingIOError:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise LockedByAnother(holder) from None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # who had it has removed the file since it was opened: it locks nothing any more
        with suppress(OSError):  # another user's file, or a full disk: the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} ({doing})\n".encode(errors="replace"), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Let go of it and remove its file. Safe to call twice."""
        if self._descriptor < 0:
            return
        with suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


def machine_lock() -> Path:
    """The file whose lock a process holds that measures on this machine."""
    if named := os.environ.get(MACHINE_LOCK):
        return Path(named)
    folder = SHARED if SHARED.is_dir() and os.access(SHARED, os.W_OK) else Path(tempfile.gettempdir())
    return folder / "pointwise-bench.lock"


def hold_machine(doing: str, say: Callable[[str], None]) -> Lock | None:
    """The lock of whoever measures on this machine; None where none can be made, which is said.

    ``LockedByAnother`` with a sentence about the process that has it.
    """
    try:
        return Lock.take(machine_lock(), doing)
    except LockedByAnother as holder:
        raise LockedByAnother(
            f"{holder} is measuring on this machine, and two at once disturb each other: wait for its end"
        ) from None
    except OSError as error:
        say(f"warning: whether another run measures on this machine is not known: {error}")
        return None


@contextmanager
def machine_held(doing: str, say: Callable[[str], None]) -> Iterator[None]:
    """:func:`hold_machine` for as long as the block takes."""
    lock = hold_machine(doing, say)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _opened(path: Path) -> int:
    try:
        return open_regular(path, os.O_RDWR | os.O_CREAT)
    except PermissionError:  # of another user, in a folder that everybody may write to: it can be locked, not written
        return open_regular(path, os.O_RDONLY)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    """Who holds it, as that process has written; it may not have come so far."""
    with suppress(OSError):
        if said := one_line(os.pread(descriptor, 4 * LONGEST_HOLDER, 0).decode(errors="replace"), LONGEST_HOLDER):
            return said
    return "another process"
