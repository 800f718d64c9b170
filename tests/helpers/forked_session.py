"""``python -m pytest ...`` in a fork of a process that has imported what every session imports of other people."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from weakref import finalize

from places import HELPERS, ROOT

MEASURED = "COVERAGE_PROCESS_START"
"""Where lines are counted, every process is started by itself: counting begins with the interpreter."""


POLICIES = {"brief_rounds", "few_rounds", "single_start"}
"""Plugins that put a policy of measuring in place before the harness is imported."""
LATER = {
    *("quick_ceilings", "forked_workers", "no:hypothesispytest", "no:cacheprovider", "no:capture"),
    *("warns", "wordy_checkpoint"),
}
"""Those that do not mind whether it was. With any other one a session imports the harness itself."""


class ForkedProcess:
    """A session that has begun, used like a ``subprocess.Popen`` whose errors go where its output goes."""

    def __init__(self, server: ForkServer, words: Sequence[str], pid: int, streams: Sequence[IO[Any]]) -> None:
        self._server, self._words, self._streams = server, list(words), streams
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended; ``TimeoutExpired`` where it has not by then."""
        if self.returncode is None:
            try:
                self.returncode = self._server.answer(timeout)
            except (TimeoutError, BlockingIOError):
                output = [_text(stream) for stream in self._streams]
                raise subprocess.TimeoutExpired(self._words, timeout or 0.0, output[0], output[-1]) from None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has written, once it has ended; both are the same text where both went to one stream."""
        self.wait(timeout)
        return _text(self._streams[0]), _text(self._streams[-1])

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """As :meth:`send_signal`."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that is forked, from the first session of these tests to their end; or a copy of it."""

    def __init__(self, channel: socket.socket, process: subprocess.Popen[bytes] | None = None) -> None:
        self._channel, self._process = channel, process

    @classmethod
    def begun(cls) -> ForkServer:
        """A new one, which has imported nothing of ours."""
        channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with theirs:
            process = subprocess.Popen(
                [sys.executable, str(HELPERS / "fork_server.py"), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        return cls(channel, process)

    def copy(self, **imports: object) -> ForkServer:
        """Another one; with ``folder``, ``variables`` and ``policy``, one that imports what sessions there import."""
        channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._channel, [json.dumps({"ours": bool(imports)} | imports).encode()], [theirs.fileno()])
        made = ForkServer(channel)
        finalize(made, channel.close)  # its last user may be a test that has failed
        return made

    def start(
        self,
        words: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        streams: Sequence[IO[Any]],
        *,
        own_session: bool = False,
    ) -> ForkedProcess:
        """``python -m words`` as a new process would run it. There is one at a time; for others there are copies.

        With a session of the kernel's of its own it listens to Ctrl-C, as what a user starts in a terminal does.
        """
        asked: dict[str, Any] = {"words": list(words), "folder": str(folder), "variables": dict(variables)}
        asked |= {"own_session": own_session, "interruptible": own_session}
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123
            descriptors = [each.fileno() for each in (nothing, streams[0], streams[-1])]
            socket.send_fds(self._channel, [json.dumps(asked).encode()], descriptors)
        return ForkedProcess(self, words, self.answer(None), streams)

    def run(
        self, words: Sequence[str], folder: Path, variables: Mapping[str, str], patience_s: float
    ) -> subprocess.CompletedProcess[str]:
        """The same, waited for; ``TimeoutExpired``, and its end, after ``patience_s``."""
        with TemporaryFile() as output, TemporaryFile() as errors:
            process = self.start(words, folder, variables, (output, errors))
            try:
                told, complaints = process.communicate(patience_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            return subprocess.CompletedProcess(list(words), process.wait(), told, complaints)

    def close(self) -> None:
        """End it; a copy ends by itself when nobody can ask it any more."""
        self._channel.close()
        if self._process is not None:
            self._process.wait()

    def answer(self, patience_s: float | None) -> int:
        """The next number that it tells: that of a process, or how that has ended."""
        self._channel.settimeout(patience_s)
        number: int = json.loads(self._channel.recv(2**10))
        return number


def _text(stream: IO[Any]) -> str:
    """What was written so far. Where the next is written is shared with the writer, and stays."""
    return os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0).decode()


@cache
def _server() -> ForkServer:
    server = ForkServer.begun()
    atexit.register(server.close)
    return server


@cache
def _with_ours(policy: str, path: str, folder: Path) -> ForkServer:
    """A copy that has imported ours, by one policy, from one import path."""
    variables = dict(os.environ) | {"PYTHONPATH": path}
    return _server().copy(folder=str(folder), variables=variables, policy=policy)


def _server_for(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> ForkServer:
    """One that has imported as much as such a session may find imported."""
    plugins = {words[place + 1] for place, word in enumerate(words[:-1]) if word == "-p"}
    path = variables.get("PYTHONPATH", "")
    usual = folder == ROOT and words[0] == "pytest" and path.startswith(str(ROOT / "src"))
    if not usual or plugins - POLICIES - LATER or len(plugins & POLICIES) > 1:
        return _server()
    return _with_ours("".join(plugins & POLICIES), path, folder)


def begun(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> ForkedProcess | subprocess.Popen[str]:
    """``python -m words`` in a session of its own, not waited for; its errors are in its output."""
    if MEASURED not in os.environ:
        output = TemporaryFile()  # noqa: SIM115  # as long as somebody may read it
        server = _server_for(words, folder, variables).copy()
        process = server.start(words, folder, variables, (output,), own_session=True)
        finalize(process, output.close)
        return process
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def forked(
    words: Sequence[str], folder: Path, variables: Mapping[str, str], patience_s: float
) -> subprocess.CompletedProcess[str]:
    """``python -m words`` in a folder, with an environment, waited for."""
    if MEASURED not in os.environ:
        return _server_for(words, folder, variables).run(words, folder, variables, patience_s)
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience_s,
        check=False,
    )
