"""The guard of a run: a small process that outlives the harness for a moment, to end what the harness left.

The kernel ends workers with the harness (``PR_SET_PDEATHSIG``), but not the children of workers, and a stopped process
does not even notice that its harness was killed. The guard's input is a pipe from the harness, whose end says so.
"""

from __future__ import annotations

import atexit
import os
import secrets
import subprocess
import sys
from contextlib import suppress
from functools import cache
from itertools import count

from pointwise_bench.suites.harness.worker import reaper

ENDING_S = 5.0  # how long the guard may take to end once its input has


class Guard:
    """The harness's end. One per process that starts workers: :func:`the_guard`."""

    def __init__(self) -> None:
        self._run = f"{os.getpid()}-{secrets.token_hex(8)}/"
        self._numbers = count()
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def mark(self) -> str:
        """A new value of :data:`reaper.VARIABLE` for one worker; all those of a run begin alike."""
        if self._process is None:
            self._start()
        return f"{self._run}{next(self._numbers)}/"

    def watch(self, group: int) -> None:
        """End this process group too, should the harness end."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended; its number may come to mean somebody else."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End the guard, and through it whatever is left."""
        if self._process is not None:
            assert self._process.stdin is not None, "it was made with a pipe"
            with suppress(OSError):
                self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(ENDING_S)
            self._process = None

    def _start(self) -> None:
        # The write end of the pipe is closed on exec, as all of Python's descriptors are: the harness alone has it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__, self._run],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # it would hold open the pipe in which somebody reads the harness's output
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # a terminal's Ctrl-C is not for the guard
            bufsize=0,
        )

    def _tell(self, line: str) -> None:
        """Send one line; a guard that somebody has ended is replaced and told of everything."""
        if self._process is None or self._process.poll() is not None:
            self._start()
            line = "".join(f"+{group}\n" for group in sorted(self._groups))
        assert self._process is not None, "it was just started"
        assert self._process.stdin is not None, "it was made with a pipe"
        with suppress(BrokenPipeError):  # it ended this very moment; the next line starts another
            self._process.stdin.write(line.encode())


@cache
def the_guard() -> Guard:
    """The guard of this process; started with the first mark."""
    guard = Guard()
    atexit.register(guard.close)
    return guard
