"""``python -m pytest ...`` in a fork of a process that has imported what every session imports of other people."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from places import HELPERS

MEASURED = "COVERAGE_PROCESS_START"
"""Where lines are counted, every process is started by itself: counting begins with the interpreter."""


class ForkServer:
    """The process that is forked, from the first session of these tests to their end."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(HELPERS / "fork_server.py"), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def run(
        self, words: Sequence[str], folder: Path, variables: Mapping[str, str], patience_s: float
    ) -> subprocess.CompletedProcess[str]:
        """``python -m words`` as a new process would run it; ``TimeoutExpired``, and its end, after ``patience_s``."""
        asked = {"words": list(words), "folder": str(folder), "variables": dict(variables)}
        with open(os.devnull, "rb") as nothing, TemporaryFile() as output, TemporaryFile() as errors:  # noqa: PTH123
            streams = [each.fileno() for each in (nothing, output, errors)]
            socket.send_fds(self._channel, [json.dumps(asked).encode()], streams)
            pid = self._answer(None)
            try:
                code = self._answer(patience_s)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)
                self._answer(None)
                raise subprocess.TimeoutExpired(list(words), patience_s, _text(output), _text(errors)) from None
            return subprocess.CompletedProcess(list(words), code, _text(output), _text(errors))

    def close(self) -> None:
        """End it."""
        self._channel.close()
        self._process.wait()

    def _answer(self, patience_s: float | None) -> int:
        self._channel.settimeout(patience_s)
        number: int = json.loads(self._channel.recv(2**10))
        return number


def _text(stream: IO[Any]) -> str:
    stream.seek(0)
    written: bytes = stream.read()
    return written.decode()


@cache
def _server() -> ForkServer:
    server = ForkServer()
    atexit.register(server.close)
    return server


def forked(
    words: Sequence[str], folder: Path, variables: Mapping[str, str], patience_s: float
) -> subprocess.CompletedProcess[str]:
    """``python -m words`` in a folder, with an environment, waited for."""
    if MEASURED not in os.environ:
        return _server().run(words, folder, variables, patience_s)
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
