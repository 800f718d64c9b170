"""The watchdog: a small process that outlives the harness for a moment, to end the workers that the harness left.

A worker's keeper ends all when the harness does (:mod:`starting.keeper`). Those without one the kernel ends with the
harness (``PR_SET_PDEATHSIG``), but not their children, and a stopped process does not even notice that its harness was
killed. Nobody deletes their temporary files then, either: seventeen folders were left by each whole run of
the tests. The watchdog's input is a pipe from the harness, whose end says so. Here is the harness's side of it;
what the process does is in :mod:`reaper`.
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
from pathlib import Path
from threading import Lock

from pointwise_bench.suites.harness.worker import reaper

ENDING_S = 5.0  # how long the watchdog may take to end once its input has ended


class Watchdog:
    """The harness's end. One per process that starts workers: :func:`the_watchdog`."""

    def __init__(self) -> None:
        self._run = f"{os.getpid()}-{secrets.token_hex(8)}/"
        self._numbers = count()
        self._groups: set[int] = set()
        self._folders: set[Path] = set()
        self._telling = Lock()  # a worker may be killed by any thread that waits for one
        self._process: subprocess.Popen[bytes] | None = None

    def mark(self) -> str:
        """A new value of :data:`marked_processes.VARIABLE` for one worker; all those of a run begin alike."""
        if self._process is None:
            self._start()
        return f"{self._run}{next(self._numbers)}/"

    def watch(self, group: int) -> None:
        """Kill this process group too, should the harness end."""
        with self._telling:
            self._groups.add(group)
            self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended; its number may come to mean another."""
        with self._telling:
            self._groups.discard(group)
            self._tell(f"-{group}\n")

    def own(self, folder: Path) -> None:
        """Delete this folder too, should the harness end: one for temporary files, with an absolute path."""
        with self._telling:
            self._folders.add(folder)
            self._tell(_of_folder(">", folder))

    def disown(self, folder: Path) -> None:
        """The folder was deleted; its name may come to mean another."""
        with self._telling:
            self._folders.discard(folder)
            self._tell(_of_folder("<", folder))

    def close(self) -> None:
        """End the watchdog, which kills whatever is left."""
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
            stdout=subprocess.DEVNULL,  # it would hold open the pipe from which the harness's output is read
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # a terminal's Ctrl-C is not for the watchdog
            bufsize=0,
        )

    def _tell(self, line: str) -> None:
        """Send one line; a watchdog that was killed is replaced, and the new one is told of everything."""
        if self._process is None or self._process.poll() is not None:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
            self._start()
            line = "".join(f"+{group}\n" for group in sorted(self._groups))
            line += "".join(_of_folder(">", folder) for folder in sorted(self._folders))
        assert self._process is not None, "it was just started"
        assert self._process.stdin is not None, "it was made with a pipe"
        with suppress(BrokenPipeError):  # it ended this very moment; the next line starts another
            self._process.stdin.write(line.encode())


def _of_folder(sign: str, folder: Path) -> str:
    """A line about a folder; in hexadecimal bytes, since a path may hold the end of a line."""
    return f"{sign}{os.fsencode(folder).hex()}\n"


@cache
def the_watchdog() -> Watchdog:
    """The watchdog of this process; started with the first mark."""
    watchdog = Watchdog()
    atexit.register(watchdog.close)
    return watchdog
