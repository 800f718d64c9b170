"""A backend in a process of its own, stopped whenever it has not been asked something.

A backend that has returned still burns processor time: its threads spin for the next call. So each one has a process
that no other backend shares, and while it waits that process is stopped, threads and children included.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from backends import Problem, Source
from suites.harness.blocks import read_block, write_block
from suites.harness.channel import Channel, ChannelClosed, Message
from suites.harness.examination import Array, Weights
from suites.harness.host import SharedExamination
from suites.harness.outcome import Ended
from suites.harness.subject import Admission, Conclusion, Turn
from suites.harness.threads import environment

DYING_S = 2.0  # how long a process may take to end after it has closed its channel


class Worker:
    """The harness's end of one worker process. Implements :class:`suites.harness.host.Host`."""

    isolation = "worker"

    def __init__(self, backend: str, source: Source, threads: int, log: Path) -> None:
        self._log = log
        ours, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            arguments = {
                "descriptor": theirs.fileno(),
                "parent": os.getpid(),
                "backend": backend,
                "source": vars(source),
                "threads": threads,
            }
            self._process = subprocess.Popen(
                [sys.executable, "-m", "suites.harness.serve", json.dumps(arguments)],
                pass_fds=(theirs.fileno(),),
                env=environment(threads),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a group of its own: stopped, woken and killed with all its children
            )
        self._channel = Channel(ours, other_lives=lambda: self._process.poll() is None)

    # --- questions ------------------------------------------------------------------------------------------

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`backends.Backend.missing`."""
        return self._text(self._ask({"do": "missing"}, timeout_s)[0])

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`backends.Backend.refuses`."""
        return self._text(self._ask({"do": "refuses", "problem": problem.id}, timeout_s)[0])

    def examine(self, question: SharedExamination, timeout_s: float) -> Admission:
        """See :meth:`Subject.examine`."""
        message = {"do": "examine", "problem": question.problem.id, "cache": question.cache}
        return Admission(**self._ask(message, timeout_s, (question.descriptor(),))[0])

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`Subject.turn`."""
        message = {"do": "turn", "calls": calls, "warm_s": warm_s, "cores": cores}
        return Turn(**self._ask(message, timeout_s)[0])

    def conclude(self, timeout_s: float) -> Conclusion:
        """See :meth:`Subject.conclude`."""
        return Conclusion(**self._ask({"do": "conclude"}, timeout_s)[0])

    def apply(self, problem: Problem, weights: Weights, x: Array, timeout_s: float) -> Array:
        """See :meth:`Subject.apply`."""
        arrays = {"weight": weights.weight, "bias": weights.bias, "x": x}
        block = write_block({name: array for name, array in arrays.items() if array is not None})
        try:
            _, descriptors = self._ask({"do": "apply", "problem": problem.id}, timeout_s, (block,))
        finally:
            os.close(block)
        return read_block(descriptors[0])["result"]

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`suites.harness.subject.libraries`."""
        found: list[dict[str, Any]] = self._ask({"do": "libraries"}, timeout_s)[0]
        return found

    # --- life and death -------------------------------------------------------------------------------------

    def kill(self) -> None:
        """End the process and all its children at once. Safe to call twice."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._channel.close()

    def _ask(self, message: Message, timeout_s: float, descriptors: tuple[int, ...] = ()) -> tuple[Any, list[int]]:
        """Wake the process, ask, and stop it again; ``Ended`` when it answers with a status, or not at all."""
        self._signal(signal.SIGCONT)
        try:
            self._channel.send(message, descriptors)
            reply, attached = self._channel.receive(timeout_s)
        except TimeoutError:
            self.kill()
            raise Ended("timed-out", f"{message['do']}: no answer within {timeout_s:.3g} s", alive=False) from None
        except ChannelClosed:
            raise Ended("crashed", f"{message['do']}: {self._cause_of_death()}", alive=False) from None
        self._freeze()
        if "status" in reply:
            raise Ended(reply["status"], reply["reason"], reply["error_ratio"])
        return reply["value"], attached

    def _freeze(self) -> None:
        """Stop the process and wait until it is stopped: the next backend's turn begins after that."""
        self._signal(signal.SIGSTOP)
        if hasattr(os, "waitid"):  # not on every POSIX system; without it the stop is merely prompt
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _cause_of_death(self) -> str:
        """How the process ended, and the last line that it wrote."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(DYING_S)
        code = self._process.poll()
        self.kill()
        if code is None:
            how = "closed its channel without ending"
        elif code < 0:
            how = f"killed by {signal.Signals(-code).name}"
        else:
            how = f"left with exit code {code}"
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        fatal = next((line for line in reversed(lines) if line.startswith("Fatal")), lines[-1] if lines else "")
        return f"{how}; it last wrote: {fatal.strip()[:200]}" if fatal else how

    @staticmethod
    def _text(value: Any) -> str | None:
        return None if value is None else str(value)
