"""Backends that do to their process what a plugin may do to it: crash, hang, leave, babble, wander, multiply.

All compute correctly but for the one thing that each is named for. Their statuses stand in ``expected_ends.py``.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pointwise_bench import Backend, Problem, register


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
class SpeaksWhenAsked(Right):
    """One line for each process."""

    name = "speaks-when-asked"

    def missing(self) -> str | None:
        """Says that it is there."""
        os.write(1, b"here I am\n")
        return None


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
        """The child is there from the first message on."""
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
        """The spinning begins with the first message and never ends."""
        threading.Thread(target=self._spin, daemon=True).start()
        return None

    def _spin(self) -> None:
        while True:
            pass


# --- memory and files ---------------------------------------------------------------------------------------------

HOARD: list[Any] = []


@register
class AllocatesWithoutEnd(Right):
    """Keeps all that it gets, so that nothing is left for whoever handles the error."""

    name = "allocates-without-end"

    def act(self) -> None:
        """Small pieces, down to the last."""
        while True:
            HOARD.append(bytearray(2**20))


@register
class SharesWithoutEnd(Right):
    """Fills shared memory, which no limit of a process's own counts."""

    name = "shares-without-end"

    def act(self) -> None:
        """Maps and touches two gigabytes, and no more, as a harness that does not look is not to lose its machine."""
        piece = b"x" * 2**26
        for _ in range(32):
            HOARD.append(mmap.mmap(-1, len(piece)))
            HOARD[-1].write(piece)
        time.sleep(1000)


@register
class ChildrenAllocate(Right):
    """Each child stays within the limit, and all together do not."""

    name = "children-allocate"

    def act(self) -> None:
        """Four children; the backend waits for them."""
        for _ in range(4):
            if os.fork() == 0:
                HOARD.append(b"x" * (400 * 2**20))
                time.sleep(1000)
        os.wait()


@register
class DiesOfBadAlloc(Right):
    """What an uncaught std::bad_alloc does."""

    name = "dies-of-bad-alloc"

    def act(self) -> None:
        """The words of the C++ runtime, and its end."""
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n")
        os.abort()


@register
class IsKilled(Right):
    """What the kernel does when memory runs out."""

    name = "is-killed"

    def act(self) -> None:
        """SIGKILL from nowhere."""
        os.kill(os.getpid(), signal.SIGKILL)


@register
class BabblesWithoutEnd(Right):
    """Would fill the disk."""

    name = "babbles-without-end"

    def act(self) -> None:
        """Until somebody says no."""
        while True:
            os.write(1, b"blah" * 2**18)


# --- processes and signals ----------------------------------------------------------------------------------------


def escape(*, spin: bool = False) -> None:
    """A child that leaves group, session and parent, as a daemon does."""
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            while spin:
                pass
            time.sleep(1000)
        os._exit(0)
    os.waitpid(child, 0)


@register
class Escapes(Right):
    """Its child is out of the group's reach, and has forgotten its environment."""

    name = "escapes"

    def missing(self) -> str | None:
        """The child is there from the first message on."""
        os.environ.clear()
        escape()
        return None


@register
class EscapesAndExits(Right):
    """Leaves a daemon behind."""

    name = "escapes-and-exits"

    def act(self) -> None:
        """Nobody has had a look at the daemon when this process ends."""
        escape()
        os._exit(3)


@register
class EscapesInATurn(Right):
    """Its child runs away when the timing has begun, and spins."""

    name = "escapes-in-a-turn"
    has_escaped = False

    def act(self) -> None:
        """Once, in the first call that is timed."""
        if not self.has_escaped and sys._getframe(3).f_code.co_name == "turn":
            self.has_escaped = True
            escape(spin=True)


@register
class RunsAProgram(Right):
    """A program in a session and with an environment of its own, whose parent has ended."""

    name = "runs-a-program"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Nothing of it says whose it is, but its line of parents."""
        began, begins = os.pipe()  # closed where a program begins: before, it is a fork that may be stopped as one
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() == 0:
                os.execve(sys.executable, ["python", "-I", "-S", "-c", "import time; time.sleep(1000)"], {})
            os._exit(0)
        os.waitpid(child, 0)
        os.close(begins)
        os.read(began, 1)
        os.close(began)
        return super().prepare(problem, weight, bias, threads)


@register
class StopsItself(Right):
    """Waits for somebody to wake it."""

    name = "stops-itself"

    def act(self) -> None:
        """Nobody does while an answer is awaited."""
        os.kill(os.getpid(), signal.SIGSTOP)


@register
class HandlesSignals(Right):
    """Takes every signal that can be taken, those by which it is woken too."""

    name = "handles-signals"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Handlers that do nothing, and an alarm ten times a second."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCONT, signal.SIGALRM, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        return super().prepare(problem, weight, bias, threads)


@register
class DiesOfItsAlarm(Right):
    """An alarm without a handler."""

    name = "dies-of-its-alarm"

    def act(self) -> None:
        """Dies of SIGALRM."""
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        time.sleep(1)


@register
class ReseedsEverything(Right):
    """Changes the state that a whole process shares."""

    name = "reseeds-everything"

    def act(self) -> None:
        """Random numbers, arguments, outputs, limits."""
        import numpy as np

        random.seed(0)
        np.random.seed(0)
        np.set_printoptions(precision=1)
        sys.argv.clear()
        sys.stdout = sys.stderr = None
        os.umask(0o777)


# --- descriptors --------------------------------------------------------------------------------------------------


@register
class ClosesDescriptors(Right):
    """Tidies up what is not its own, as daemons do."""

    name = "closes-descriptors"

    def act(self) -> None:
        """All but the standard three."""
        os.closerange(3, 1024)


@register
class ClosesAllDescriptors(Right):
    """Leaves itself no way to say anything."""

    name = "closes-all-descriptors"

    def act(self) -> None:
        """The standard three as well."""
        os.closerange(0, 1024)


def descriptors_in_use() -> list[int]:
    """All of them: the channel has a high number where the harness has many open files."""
    return [int(path.name) for path in Path("/proc/self/fd").iterdir()]


@register
class ReplacesDescriptors(Right):
    """Puts a file where the channel was."""

    name = "replaces-descriptors"

    def act(self) -> None:
        """The numbers stay in use."""
        null = os.open(os.devnull, os.O_RDWR)
        for number in descriptors_in_use():
            if number > 2 and number != null:
                os.dup2(null, number)


def message(text: bytes) -> bytes:
    """As the channel frames it."""
    return len(text).to_bytes(4, "little") + text


class WritesToSockets(Right):
    """Finds the channel and writes to it."""

    words = b""

    def act(self) -> None:
        """To every socket that there is."""
        import stat

        for number in descriptors_in_use():
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    os.write(number, self.words)
            except OSError:
                continue


@register
class GarblesTheChannel(WritesToSockets):
    """Words that are no message."""

    name = "garbles-the-channel"
    words = b"hello, world"


@register
class ForgesAnAnswer(WritesToSockets):
    """A message, but no answer."""

    name = "forges-an-answer"
    words = message(b'{"value": 55}')


@register
class ForgesANumber(WritesToSockets):
    """JSON that is no message."""

    name = "forges-a-number"
    words = message(b"55")


@register
class ForgesAStatus(WritesToSockets):
    """A status that does not exist."""

    name = "forges-a-status"
    words = message(b'{"status": "best", "reason": 5, "error_ratio": 0}')


@register
class ForgesAPass(WritesToSockets):
    """A set-up without its numbers."""

    name = "forges-a-pass"
    words = message(
        b'{"value": {"prepare_s": null, "first_call_s": 1, "seconds_per_call": 1e-6, "error_ratio": null}}',
    )


# --- wrong types --------------------------------------------------------------------------------------------------


@register
class PreparesNothing(Right):
    """Forgets its return statement."""

    name = "prepares-nothing"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """No layer."""


class Returns(Right):
    """Spoils the layer's result."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """The right result goes through :meth:`spoil`."""
        layer = super().prepare(problem, weight, bias, threads)
        return lambda x: self.spoil(layer(x))

    def spoil(self, result: Any) -> Any:
        """What is returned in its stead."""
        raise NotImplementedError


@register
class ReturnsText(Returns):
    """A str."""

    name = "returns-text"

    def spoil(self, result: Any) -> Any:
        """Its description."""
        return str(result)


@register
class ReturnsNone(Returns):
    """Nothing."""

    name = "returns-none"

    def spoil(self, result: Any) -> Any:
        """Forgotten."""


@register
class ReturnsAList(Returns):
    """Numbers, but no array."""

    name = "returns-a-list"

    def spoil(self, result: Any) -> Any:
        """Python's floats are float64."""
        return result.tolist()


@register
class ReturnsAShape(Returns):
    """Another shape."""

    name = "returns-a-shape"

    def spoil(self, result: Any) -> Any:
        """Flat."""
        return result.ravel()


@register
class ReturnsObjects(Returns):
    """Python's objects."""

    name = "returns-objects"

    def spoil(self, result: Any) -> Any:
        """An array of them."""
        return result.astype(object)


@register
class ToNumpyReturnsJunk(Right):
    """No array at the very end."""

    name = "to-numpy-returns-junk"

    def to_numpy(self, result: Any) -> Any:
        """A dict."""
        return {"result": result}


@register
class ToDeviceReturnsNone(Right):
    """Nothing to compute with."""

    name = "to-device-returns-none"

    def to_device(self, array: Any) -> Any:
        """Forgotten."""


@register
class SyncIsANumber(Right):
    """Five cannot be called."""

    name = "sync-is-a-number"
    sync = 5  # type: ignore[assignment]


@register
class DtypesIsANumber(Right):
    """Five holds nothing."""

    name = "dtypes-is-a-number"
    dtypes = 5  # type: ignore[assignment]


@register
class MissesFive(Right):
    """A number is no reason."""

    name = "misses-five"

    def missing(self) -> Any:
        """Five."""
        return 5


@register
class MissesBytes(Right):
    """Nor are bytes."""

    name = "misses-bytes"

    def missing(self) -> Any:
        """One."""
        return b"x"


@register
class RefusesWithFive(Right):
    """A number is no reason."""

    name = "refuses-with-five"

    def refuses(self, problem: Problem) -> Any:
        """Five."""
        return 5


@register
class RefusesWithBytes(Right):
    """Nor are bytes."""

    name = "refuses-with-bytes"

    def refuses(self, problem: Problem) -> Any:
        """One."""
        return b"x"


@register
class RefusesInManyLines(Right):
    """A reason that no table could hold, with half a character in it."""

    name = "refuses-in-many-lines"

    def refuses(self, problem: Problem) -> Any:
        """Line upon line."""
        return "too\nsmall \ud800\x1b[31m\n" + "for me " * 1000


# --- exceptions ---------------------------------------------------------------------------------------------------


@register
class RaisesGeneratorExit(Right):
    """What is no Exception either."""

    name = "raises-generator-exit"

    def act(self) -> None:
        """As a closed generator does."""
        raise GeneratorExit


class UnspeakableError(BaseException):
    """Cannot be described."""

    def __str__(self) -> str:
        raise SystemExit("unspeakable")


@register
class RaisesTheUnspeakable(Right):
    """Its exception raises another one when it is looked at."""

    name = "raises-the-unspeakable"

    def act(self) -> None:
        """No Exception, and no message."""
        raise UnspeakableError


# --- before the first problem -------------------------------------------------------------------------------------


@register
class CannotBeMade(Right):
    """Its constructor raises."""

    name = "cannot-be-made"

    def __init__(self) -> None:
        raise RuntimeError("no licence")


@register
class CrashesWhenAsked(Right):
    """Dies of the first message."""

    name = "crashes-when-asked"

    def missing(self) -> str | None:
        """As a driver that is half installed does."""
        os.abort()


@register
class HangsWhenAsked(Right):
    """Never answers the first message."""

    name = "hangs-when-asked"

    def missing(self) -> str | None:
        """As a driver that waits for its device does."""
        time.sleep(1000)
        return None


@register
class SetsTheClock(Right):
    """Time passes at half its speed for whoever asks after this."""

    name = "sets-the-clock"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Replaces what others may have kept."""
        real = time.perf_counter
        time.perf_counter = lambda: real() / 2
        return super().prepare(problem, weight, bias, threads)

    def act(self) -> None:
        """A call that takes its time."""
        time.sleep(0.005)
