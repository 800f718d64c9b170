"""A child process that runs a plugin's code: started, asked, stopped between two requests; and how it ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from types import MappingProxyType
from typing import IO, Any, Final

from pointwise_bench.backends.backend import RUN_CACHE
from pointwise_bench.common.regular_files import open_regular
from pointwise_bench.suites.harness.machine import writable_folders
from pointwise_bench.suites.harness.machine.thread_variables import worker_variables
from pointwise_bench.suites.harness.record.ended import Ended, says_out_of_memory
from pointwise_bench.suites.harness.record.log_files import open_log
from pointwise_bench.suites.harness.record.text import one_line
from pointwise_bench.suites.harness.worker import limits, marked_processes, reaper
from pointwise_bench.suites.harness.worker.channel import Channel, ChannelClosed, ChannelGarbled, Message
from pointwise_bench.suites.harness.worker.main import CHANNEL_LOST, LEAVE
from pointwise_bench.suites.harness.worker.marked_processes import Carriers, Descendants
from pointwise_bench.suites.harness.worker.started.started_processes import StartedProcesses
from pointwise_bench.suites.harness.worker.started.stopping import await_stopped
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkedProcess, ForkServer, kept_by
from pointwise_bench.suites.harness.worker.watchdog import the_watchdog

STOPPED_AGAIN_S = 0.1  # after which who has not stopped is told so once more
LONGEST_STOP_S = 5.0  # of telling: whoever runs on then is woken by others, as often as it stops
STARTING_S = 30.0  # how long an interpreter may take to start, and to fork its worker
DYING_S = 2.0  # how long a process may take to end after it has closed its channel
TEMPORARY: Final = "pointwise-bench-"
"""How the names of folders for temporary files begin."""
TAIL = 2**16  # bytes of the log in which the last line is looked for


def temporary_folder() -> Path:
    """A new folder for temporary files of workers, which the watchdog deletes should the harness be killed."""
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY)).absolute()
    the_watchdog().own(folder)
    return folder


def delete_temporary(folder: Path) -> None:
    """Delete a folder of :func:`temporary_folder`."""
    rmtree(folder, ignore_errors=True)
    the_watchdog().disown(folder)


class ChildProcess:
    """The harness's side of ``python -m MODULE '<json>'``, which answers messages over a :class:`channel.Channel`.

    ``arguments`` reach it with ``descriptor``, ``parent`` and ``limits`` added. ``log`` takes its output, and
    ``variables`` are added to its environment.
    """

    def __init__(
        self,
        module: str,
        arguments: dict[str, Any],
        threads: int,
        log: Path,
        variables: Mapping[str, str] = MappingProxyType({}),
        temporary: Path | None = None,
        python: str = "",
        server: ForkServer | None = None,
        *,
        kept: bool = False,
    ) -> None:
        """``temporary``: a folder for its temporary files, which may hold some already; None for one that goes with it.

        ``python``: the interpreter of another environment; empty for the one that runs here. ``server``: who forks it
        instead of it being started anew; ``ServerGone`` where that one cannot. ``kept``: whether it has a keeper where
        it is started anew, on Linux; its program has to begin by :func:`main.begin`.

        ``RUN_CACHE`` among ``variables`` is the other folder in which it may change files, beside those of compilers.
        """
        self._limits = limits.present_limits()
        self._kills_for_memory = limits.kills_for_memory()
        self._mark = the_watchdog().mark()
        self._keeper: subprocess.Popen[bytes] | None = None  # where it is started anew
        self._dead = False
        self.answered_at = 0.0
        """When the last answer came, by ``time.perf_counter()``: the process is stopped behind it."""
        self._last_words = ("", False)  # see _last_line; kept when the process is killed
        self._temporary: Path | None = None
        self._process: subprocess.Popen[bytes] | ForkedProcess
        with ExitStack() as undone:  # whatever hinders the start, which may be tried again on every problem
            if temporary is None:
                temporary = self._temporary = temporary_folder()
                undone.callback(delete_temporary, temporary)
            variables = dict(variables) | writable_folders.furnish(temporary)
            may_write = writable_folders.folders_of(temporary, variables.get(RUN_CACHE), log.absolute().parent)
            ours, theirs = socket.socketpair()
            undone.enter_context(ours)
            with theirs, os.fdopen(open_log(log), "ab") as output:
                self._log_start = output.tell()
                # Kept open, and not the worker's own: what it wrote is read here whatever a plugin does to the file.
                self._log = open_regular(log, os.O_RDONLY)
                undone.callback(os.close, self._log)
                told = arguments | {
                    "descriptor": theirs.fileno(),
                    "parent": os.getpid(),
                    "limits": vars(self._limits),
                    "may_write": may_write,
                }
                # Another environment finds what is here behind its own packages; by this variable it would be before.
                own = {"PYTHONPATH": ""} if python else {}
                environment = worker_variables(threads) | own | variables
                if server is not None:
                    self._process = server.fork(told, environment | self._sign(), theirs.fileno(), output.fileno())
                else:
                    command = [python or sys.executable, "-m", module]
                    self._process = self._start(command, told, environment, output, kept=kept)
            undone.pop_all()
        the_watchdog().watch(self._process.pid)
        self._whose: Carriers | Descendants
        if isinstance(self._process, ForkedProcess):
            self._whose = Descendants(self._process.keeper)
        else:
            self._whose = Carriers(self._mark, self._process.pid)
        self._started = StartedProcesses(self._whose, self._process.pid)
        self._channel = Channel(ours, self._look_up)

    def _sign(self) -> dict[str, str]:
        return {marked_processes.VARIABLE: self._mark}

    def _start(
        self, command: list[str], told: dict[str, Any], environment: dict[str, str], output: IO[bytes], *, kept: bool
    ) -> subprocess.Popen[bytes] | ForkedProcess:
        """The process of ``command``; or the worker that it forks, where it is to be ``kept``."""

        def start(told: dict[str, Any], environment: dict[str, str], *descriptors: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [*command, json.dumps(told)],
                pass_fds=descriptors,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a group of its own: stopped, woken and killed with all its children
            )

        if not kept or sys.platform != "linux":
            return start(told, environment | self._sign(), told["descriptor"])
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ExitStack() as undone:
            undone.enter_context(ours)
            with theirs:
                # Without the sign: the watchdog kills whoever shows it, and a keeper has to outlive what it keeps.
                own = {"lifeline": theirs.fileno(), "sign": self._sign()}
                self._keeper = start(told | own, environment, told["descriptor"], theirs.fileno())
            undone.pop_all()
        return kept_by(ours, STARTING_S) or self._keeper

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        return self._process.pid

    def ask(self, message: Message, timeout_s: float, descriptors: tuple[int, ...] = ()) -> tuple[Any, list[int]]:
        """Wake the process, ask, and stop it again: the answer's value, and descriptors that the caller owns.

        ``Ended`` when it answers with a status, or not at all, or gets in the harness's way.
        """
        request = message["do"]
        try:
            self._channel.send(message, descriptors, wake=lambda: self._signal(signal.SIGCONT))
            reply, attached = self._channel.receive(timeout_s)
            self.answered_at = time.perf_counter()
        except TimeoutError:
            self.kill()
            raise Ended("timed-out", f"{request}: no answer within {timeout_s:.3g} s", alive=False) from None
        except ChannelGarbled as garbled:
            raise self.garbled(request, str(garbled)) from None
        except ChannelClosed:
            raise self._death(request) from None
        except _TooMuchMemory as too_much:
            self.kill()
            raise Ended("out-of-memory", f"{request}: {too_much}; {self._limit()}", alive=False) from None
        self._freeze()
        if self._started.too_many or "status" in reply:
            for descriptor in attached:
                os.close(descriptor)
            raise self._too_many(request) if self._started.too_many else self._ended(request, reply)
        return reply.get("value"), attached

    def cpu_of_started_s(self) -> float:
        """Processor seconds of the processes that it has started, which its own account does not show."""
        return self._started.cpu_s()

    def garbled(self, request: str, what: str) -> Ended:
        """Kill the process for a message that the harness cannot read. Returns the exception to raise."""
        self.kill()
        reason = f"{request}: wrote to the harness's channel, a descriptor that is not its own: {one_line(what, 200)}"
        return Ended("crashed", reason, alive=False)

    def leave(self, patience_s: float) -> None:
        """Let the process end by itself, with its exit handlers, for so long; :meth:`kill` is still to come."""
        if self._dead:
            return
        with suppress(ChannelClosed, OSError, subprocess.TimeoutExpired):
            self._channel.send({"do": LEAVE}, (), wake=lambda: self._signal(signal.SIGCONT))
            self._process.wait(patience_s)

    def kill(self) -> None:
        """Kill the process with everything that it has started. Safe to call twice."""
        if self._dead:
            return
        self._dead = True
        self._signal(signal.SIGSTOP)
        if not (isinstance(self._process, ForkedProcess) and self._process.end(reaper.LONGEST_S)):
            reaper.kill(self._process.pid, self._mark)
            self._signal(signal.SIGKILL)
        self._started.forget()
        self._process.wait()
        if self._keeper is not None:
            with suppress(subprocess.TimeoutExpired):
                self._keeper.wait(DYING_S)
        self._last_words = self._last_line()
        os.close(self._log)
        self._channel.close()
        the_watchdog().forget(self._process.pid)
        if self._temporary is not None:
            delete_temporary(self._temporary)

    # --- stopping -------------------------------------------------------------------------------------------

    def _freeze(self) -> None:
        """Stop the process with all that it has started, and wait until they are stopped: the next turn is a rival's.

        Whoever still runs may wake others. So all are looked for, and told to stop once more, until nobody runs.
        """
        deadline = time.monotonic() + LONGEST_STOP_S
        while not (self._has_stopped() or self._started.too_many):
            self._started.forget_others()
            if time.monotonic() > deadline:
                self._started.too_many = "does not stay stopped, or has left processes that do not"

    def _has_stopped(self) -> bool:
        """Tell all to stop; whether they have, a moment later."""
        self._signal(signal.SIGSTOP)
        if sys.platform != "linux":
            self._await_stop()
            return True
        has_stopped = await_stopped({self.pid}, STOPPED_AGAIN_S)
        if self._started.look():
            self._signal(signal.SIGSTOP)
        elif not self._started.living:
            return has_stopped
        return await_stopped({self.pid, *self._started.living}, STOPPED_AGAIN_S)

    def _await_stop(self) -> None:
        """Wait until the process is stopped, or has ended, where it is this one's child."""
        if hasattr(os, "waitid"):  # not on every POSIX system; without it the stop is merely prompt
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the processes known to have left the group, which may wake it, and to the group."""
        self._started.send(number)
        reaper.send(-self._process.pid, number)

    def _look_up(self) -> None:
        """Raise where the process has ended or holds too much memory; called now and then while it is awaited."""
        if self._process.poll() is not None:
            raise ChannelClosed("the process has ended")
        resident = limits.resident_bytes(self._whose.all())
        if resident > self._limits.memory_bytes:
            raise _TooMuchMemory(f"holds {resident / limits.GIB:.2f} GiB with its children")

    # --- how it ended ---------------------------------------------------------------------------------------

    def _too_many(self, request: str) -> Ended:
        """Kill a process that has started more than the machine bears. Returns the exception to raise."""
        self.kill()
        return Ended("failed", f"{request}: {self._started.too_many}", alive=False)

    def _ended(self, request: str, reply: Message) -> Ended:
        """The exception for an end that the process reports itself; what it sends may be garbled."""
        try:
            ended = Ended.reported(reply)
        except (KeyError, TypeError, ValueError) as error:
            return self.garbled(request, f"{type(error).__name__}: {error}")
        if ended.status == "out-of-memory":
            return Ended(ended.status, f"{ended.reason}; {self._limit()}", alive=False)
        return ended

    def _death(self, request: str) -> Ended:
        """The exception for a process that has gone: how it ended, and the last line that it wrote."""
        killed_by_us = self._dead
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(DYING_S)
        code = self._process.poll()
        self.kill()
        if code is None:
            how = "closed its channel without ending"
        elif code == CHANNEL_LOST:
            how = "lost its channel to the harness: a descriptor was closed or replaced that is not the backend's own"
        elif code < 0:
            how = f"killed by {_name_of_signal(-code)}"
        else:
            how = f"left with exit code {code}"
        last_line, memory = self._last_words
        how = f"{request}: {how}" + (f"; it last wrote: {last_line}" if last_line else "")
        if code == -signal.SIGKILL and not killed_by_us:
            by_kernel = self._kills_for_memory is None or limits.kills_for_memory() != self._kills_for_memory
            who = "as the kernel does to a process" if by_kernel else "nor did the kernel, as it does"
            how += f"; the harness did not send that, {who} when memory runs out"
            memory = memory or by_kernel
        if memory and code != CHANNEL_LOST:
            return Ended("out-of-memory", f"{how}; {self._limit()}", alive=False)
        return Ended("crashed", how, alive=False)

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Keep nothing of what the process writes meanwhile: its log is limited, and is for its own problems."""
        size = os.fstat(self._log).st_size
        try:
            yield
        finally:
            if not self._dead:
                with suppress(OSError):  # not Linux: it keeps what was written
                    os.truncate(f"/proc/self/fd/{self._log}", size)

    def _last_line(self) -> tuple[str, bool]:
        """The last line that tells something, and whether the last few speak of memory."""
        begin = max(self._log_start, os.fstat(self._log).st_size - TAIL)
        text = os.pread(self._log, TAIL, begin).decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        fatal = next((number for number in reversed(range(len(lines))) if lines[number].startswith("Fatal")), None)
        # Behind "Fatal Python error" comes only where the interpreter was; what a library said stands before it.
        last = lines[-4:] if fatal is None else lines[max(0, fatal - 3) : fatal + 1]
        memory = next((line for line in reversed(last) if says_out_of_memory(line)), None)
        return one_line(memory or (last[-1] if last else ""), 200), memory is not None

    def _limit(self) -> str:
        gibibytes = self._limits.memory_bytes / limits.GIB
        return f"a worker may use {gibibytes:.3g} GiB here, half of what was free at its start"


class _TooMuchMemory(Exception):
    """The processes of a worker hold more than they may."""


def _name_of_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        return f"signal {number}"
