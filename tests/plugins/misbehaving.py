"""Backends that do to their process what a plugin may do to it: crash, hang, leave, babble, wander, multiply."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from typing import Any

from backends import Backend, Problem, register


class Right(Backend):
    """A correct backend for plain layers, to be spoiled by a subclass."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """The matrix product over each image's pixels."""
        import numpy as np

        def layer(x: Any) -> Any:
            self.act()
            return np.matmul(weight, x.reshape(problem.batch, problem.in_channels, -1)).reshape(problem.output_shape)

        return layer

    def act(self) -> None:
        """What happens besides, in every call."""


@register
class Segfaults(Right):
    """Reads address zero."""

    name = "segfaults"

    def act(self) -> None:
        """Dies of SIGSEGV."""
        ctypes.string_at(0)


@register
class Aborts(Right):
    """What a failed assertion in C does."""

    name = "aborts"

    def act(self) -> None:
        """Dies of SIGABRT."""
        os.abort()


@register
class Exits(Right):
    """What a library does that calls exit()."""

    name = "exits"

    def act(self) -> None:
        """Leaves without a word."""
        os._exit(3)


@register
class HangsInPython(Right):
    """Never comes back, and could be interrupted."""

    name = "hangs-in-python"

    def act(self) -> None:
        """Waits for nothing."""
        threading.Event().wait()


@register
class HangsInC(Right):
    """Never comes back, and holds the interpreter's lock: nothing inside of the process can end it."""

    name = "hangs-in-c"

    def act(self) -> None:
        """Sleeps without releasing the lock, which a call through CDLL would."""
        ctypes.PyDLL(None).sleep(1000)


@register
class RaisesSystemExit(Right):
    """Calls sys.exit()."""

    name = "raises-system-exit"

    def act(self) -> None:
        """Asks the interpreter to leave."""
        sys.exit(7)


@register
class RaisesKeyboardInterrupt(Right):
    """Pretends that somebody pressed Ctrl-C."""

    name = "raises-keyboard-interrupt"

    def act(self) -> None:
        """Raises what is no Exception."""
        raise KeyboardInterrupt


@register
class RunsOutOfMemory(Right):
    """Allocates more than any machine has."""

    name = "runs-out-of-memory"

    def act(self) -> None:
        """NumPy raises a subclass of MemoryError."""
        import numpy as np

        np.empty(2**60, np.uint8)


@register
class Divides(Right):
    """An ordinary mistake."""

    name = "divides-by-zero"

    def act(self) -> None:
        """Raises in this very file."""
        _ = 1 / 0


@register
class Babbles(Right):
    """Writes megabytes to both outputs, past Python's buffers too."""

    name = "babbles"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Far more than a pipe holds."""
        for stream in (sys.stdout, sys.stderr):
            stream.write("a line that is of no interest\n" * 100_000)
        sys.stdout.flush()
        os.write(1, b"last words\n")
        return super().prepare(problem, weight, bias, threads)


@register
class Wanders(Right):
    """Changes the directory, and the environment."""

    name = "wanders"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Leaves for the root."""
        os.chdir("/")
        os.environ.clear()
        return super().prepare(problem, weight, bias, threads)


@register
class Forks(Right):
    """Has a child that outlives the call, as a pool of processes does."""

    name = "forks"

    def missing(self) -> str | None:
        """The child is there from the first question on."""
        if os.fork() == 0:
            time.sleep(1000)
            os._exit(0)
        return None


@register
class ForksAndExits(Forks):
    """Dies while its child lives, and the child holds whatever descriptors it inherited."""

    name = "forks-and-exits"

    def act(self) -> None:
        """Leaves the child behind."""
        os._exit(3)


@register
class Spins(Right):
    """Its threads wait for the next call by burning processor time, as OpenMP's do."""

    name = "spins"

    def missing(self) -> str | None:
        """The spinning begins with the first question and never ends."""
        threading.Thread(target=self._spin, daemon=True).start()
        return None

    def _spin(self) -> None:
        while True:
            pass
