"""The harness's side of a fork server, and of the workers that it forks, which are no children of this process."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from threading import Lock
from typing import Any, Final

from pointwise_bench.suites.harness.worker import marked_processes, reaper
from pointwise_bench.suites.harness.worker.channel import Channel, ChannelClosed
from pointwise_bench.suites.harness.worker.watchdog import the_watchdog

MODULE: Final = "pointwise_bench.suites.harness.worker.starting.fork_server"
PATIENCE_S: Final = 120.0  # for a fork: the server may still import a large library
LONGEST_PACKET: Final = 2**10  # bytes of what a keeper tells at once, which are some dozens


class ServerGone(Exception):
    """The server has ended, or does not answer; a worker can be started without it."""


class ForkServer:
    """One server, which forks workers and their keepers."""

    def __init__(self, environment: Mapping[str, str], imports: Sequence[str] = ()) -> None:
        """``environment``: what libraries read when they are loaded, as the number of threads. ``imports``: modules."""
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as undone:
            undone.enter_context(ours)
            told = {"descriptor": theirs.fileno(), "parent": os.getpid(), "imports": list(imports)}
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, json.dumps(told)],
                pass_fds=(theirs.fileno(),),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the harness to handle
            )
            undone.pop_all()
        the_watchdog().mark()  # starts it, which kills this process too should the harness be killed
        the_watchdog().watch(self._process.pid)
        self._channel = Channel(ours)
        self._asking = Lock()  # workers may be begun by several threads

    def fork(
        self, arguments: Mapping[str, Any], environment: Mapping[str, str], end: int, output: int
    ) -> ForkedProcess:
        """A worker with these ``arguments``, its channel's ``end`` and its ``output``.

        ``ServerGone``; ``OSError`` where no process or descriptor is left for a worker, and the server is there.
        """
        lifeline, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        message = {"arguments": dict(arguments), "environment": dict(environment)}
        try:
            with theirs, self._asking:
                self._channel.send(message, (end, output, theirs.fileno()))
        except (ChannelClosed, OSError) as error:
            lifeline.close()
            raise ServerGone(str(error)) from error
        if (worker := kept_by(lifeline, PATIENCE_S)) is None:
            raise ServerGone("nothing was forked")
        return worker

    def close(self) -> None:
        """End the server. Workers that are left stay with their keepers until they are killed."""
        reaper.send(self._process.pid, signal.SIGKILL)
        self._process.wait()
        the_watchdog().forget(self._process.pid)
        self._channel.close()


class ForkedProcess:
    """A worker that its keeper has forked: what a run needs of :class:`subprocess.Popen`, for it."""

    def __init__(self, lifeline: socket.socket, pid: int, keeper: int) -> None:
        self.pid = pid
        self.keeper = keeper
        """The process beneath which everything is that the worker has started, wherever that has gone."""
        self._lifeline = lifeline
        self._listening = Lock()  # a worker may be killed by any thread that waits for one
        self._code: int | None = None
        self._over: bool | None = None  # whether nothing is left, once that is known

    def poll(self) -> int | None:
        """The exit code, once it has ended."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0.0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when it has ended. ``subprocess.TimeoutExpired`` after ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._code is None:
            self._listen(deadline)
        return self._code

    def end(self, patience_s: float) -> bool:
        """Have everything killed that is beneath its keeper; whether nothing is left, as far as is known by then.

        Where it is not known, because the keeper was killed or something does not end, the rest has to be looked for.
        """
        deadline = time.monotonic() + patience_s
        reaper.send(self.keeper, signal.SIGCONT)  # a plugin may have stopped it, where it may send signals
        with suppress(OSError):  # the keeper has gone
            self._lifeline.shutdown(socket.SHUT_WR)
        with suppress(subprocess.TimeoutExpired):
            while self._over is None:
                self._listen(deadline)
        with self._listening:
            self._lifeline.close()
            self._note({})
        return bool(self._over)

    def _listen(self, deadline: float | None) -> None:
        """Take in one thing that the keeper says. ``subprocess.TimeoutExpired`` where it says nothing for so long."""
        waiting = select.poll()
        with self._listening:
            if self._over is not None:
                return
            waiting.register(self._lifeline, select.POLLIN)
        left_ms = None if deadline is None else 1000 * max(0.0, deadline - time.monotonic())
        if not waiting.poll(left_ms):
            raise subprocess.TimeoutExpired("a forked worker", 0.0)
        with self._listening, suppress(BlockingIOError):  # another thread may have heard it
            if self._over is None:
                try:
                    packet = self._lifeline.recv(LONGEST_PACKET, socket.MSG_DONTWAIT)
                except ConnectionError:
                    packet = b""
                self._note(json.loads(packet or b"{}"))

    def _note(self, told: dict[str, Any]) -> None:
        """``code`` or ``over``; else nothing more is heard: a keeper that is gone took its worker along."""
        self._code = told.get("code", self._code)
        if "code" not in told:
            self._over = self._over or bool(told.get("over"))
            self._code = -signal.SIGKILL if self._code is None else self._code


def kept_by(lifeline: socket.socket, patience_s: float) -> ForkedProcess | None:
    """The worker that the keeper at the other end tells of; none where that does not come to be.

    ``OSError`` where a server tells that no process is left for it.
    """
    lifeline.settimeout(patience_s)
    try:
        packet = lifeline.recv(LONGEST_PACKET)
    except OSError:  # too late
        packet = b""
    told = json.loads(packet or b"{}")
    if "pid" not in told:
        lifeline.close()
        if "errno" in told:
            raise OSError(told["errno"], os.strerror(told["errno"]))
        return None
    lifeline.settimeout(None)
    return ForkedProcess(lifeline, **told)


def can_fork() -> bool:
    """Whether workers can be forked here: where their limits tell them from others, too.

    They are told by their descent from a keeper. Should that be killed, what is left of a worker is looked for as that
    of one without, and the environment that a fork shows from outside is that of the server.
    """
    if not (sys.platform == "linux" and hasattr(os, "pidfd_open")):
        return False
    _, most = resource.getrlimit(marked_processes.RLIMIT_LOCKS)
    return most == resource.RLIM_INFINITY
