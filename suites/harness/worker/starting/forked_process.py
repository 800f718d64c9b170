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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Final

from pointwise_bench.suites.harness.worker import marked_processes, reaper
from pointwise_bench.suites.harness.worker.channel import Channel, ChannelClosed, Message
from pointwise_bench.suites.harness.worker.watchdog import the_watchdog

MODULE: Final = "pointwise_bench.suites.harness.worker.starting.fork_server"
PATIENCE_S: Final = 120.0  # for a fork: the server may still import a large library
TELLING_S: Final = 5.0  # how long the exit code of a worker that has ended may take to be told


class ServerGone(Exception):
    """The server has ended, or does not answer; a worker can be started without it."""


class ForkServer:
    """One server, and what it has told of its workers."""

    def __init__(self, environment: Mapping[str, str], imports: Sequence[str] = ()) -> None:
        """``environment``: what libraries read when they are loaded, as the number of threads. ``imports``: modules."""
        ours, theirs = socket.socketpair()
        with theirs:
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
        the_watchdog().mark()  # starts it, which kills this process too should the harness be killed
        the_watchdog().watch(self._process.pid)
        self._channel = Channel(ours, self._look_up)
        self._asking = Lock()  # a worker may be killed by any thread that waits for one
        self._codes: dict[int, int] = {}
        self._closed = False

    def fork(
        self, arguments: Mapping[str, Any], environment: Mapping[str, str], end: int, output: int
    ) -> ForkedProcess:
        """A worker with these ``arguments``, its channel's ``end`` and its ``output``. ``ServerGone``."""
        with self._asking:
            try:
                self._channel.send({"arguments": dict(arguments), "environment": dict(environment)}, (end, output))
                told, attached = self._told(PATIENCE_S)
                while not attached:
                    told, attached = self._told(PATIENCE_S)
            except (ChannelClosed, TimeoutError) as error:
                raise ServerGone(str(error)) from error
        return ForkedProcess(self, told["pid"], attached[0])

    def code_of(self, pid: int) -> int:
        """How a worker has ended that is known to have; with the server, where that is not left to tell it."""
        with self._asking, suppress(ChannelClosed, TimeoutError):
            while pid not in self._codes and not self._closed:
                self._told(TELLING_S)
        return self._codes.pop(pid, -signal.SIGKILL)

    def _told(self, timeout_s: float) -> tuple[Message, list[int]]:
        """The next message of the server; an exit code is kept."""
        told, attached = self._channel.receive(timeout_s)
        if "ended" in told:
            self._codes[told["ended"]] = told["code"]
        return told, attached

    def _look_up(self) -> None:
        if self._process.poll() is not None:
            raise ChannelClosed("the server has ended")

    def close(self) -> None:
        """End the server, and with it those of its workers that are left."""
        self._closed = True
        reaper.send(self._process.pid, signal.SIGKILL)
        self._process.wait()
        the_watchdog().forget(self._process.pid)
        self._channel.close()


class ForkedProcess:
    """A worker that a server has forked: what a run needs of :class:`subprocess.Popen`, for it."""

    def __init__(self, server: ForkServer, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._server = server
        self._descriptor = descriptor
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code, once it has ended."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0.0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when it has ended. ``subprocess.TimeoutExpired`` after ``timeout`` seconds."""
        if self._code is None:
            waiting = select.poll()
            waiting.register(self._descriptor, select.POLLIN)
            if not waiting.poll(None if timeout is None else 1000 * timeout):
                raise subprocess.TimeoutExpired("a forked worker", timeout or 0.0)
            self._code = self._server.code_of(self.pid)
            os.close(self._descriptor)
        return self._code


def can_fork() -> bool:
    """Whether workers can be forked here: where they can be told from others by their limits alone.

    What a fork's environment shows from outside is that of the server.
    """
    if not (sys.platform == "linux" and hasattr(os, "pidfd_open")):
        return False
    _, most = resource.getrlimit(marked_processes.RLIMIT_LOCKS)
    return most == resource.RLIM_INFINITY
