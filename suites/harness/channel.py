"""Messages between the harness and a worker: JSON behind its length, and file descriptors beside it.

Not pickle: a plugin runs on the other end, and what it sends must not be able to run here.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct("<I")
LARGEST_MESSAGE = 64 * 2**20  # bytes; a worker that claims more has lost its mind, or is another program
LOOK_UP_S = 0.5  # between two looks at whether the other process still lives

Message = dict[str, Any]


class ChannelClosed(Exception):
    """The other end is gone, or speaks another language."""


class Channel:
    """One end of a socket pair. Not shared between threads.

    ``other_lives`` tells whether the process at the other end does: the end of file alone does not, where a child of
    that process has inherited its descriptors and lives on.
    """

    def __init__(self, end: socket.socket, other_lives: Callable[[], bool] = lambda: True) -> None:
        self._socket = end
        self._other_lives = other_lives

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None:
        """Send ``message`` and duplicates of ``descriptors``; ``ChannelClosed`` when nobody can receive them."""
        body = json.dumps(message).encode()
        try:
            # Descriptors travel with the length, so that whoever reads the length has them before the body.
            socket.send_fds(self._socket, [_LENGTH.pack(len(body))], descriptors)
            self._socket.sendall(body)
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive(self, timeout_s: float | None = None) -> tuple[Message, list[int]]:
        """The next message with its descriptors, which the caller owns.

        ``TimeoutError`` when it is not complete within ``timeout_s`` seconds; ``ChannelClosed`` at end of file.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            self._wait(deadline)
            head, descriptors, _, _ = socket.recv_fds(self._socket, _LENGTH.size, 4)
            head += self._read(_LENGTH.size - len(head), deadline) if head else b""
            if not head:
                raise ChannelClosed("end of file")
            (length,) = _LENGTH.unpack(head)
            if length > LARGEST_MESSAGE:
                raise ChannelClosed(f"a message of {length} bytes")
            return json.loads(self._read(length, deadline)), descriptors
        except (OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise ChannelClosed(str(error)) from error

    def _read(self, count: int, deadline: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            self._wait(deadline)
            part = self._socket.recv(min(count - len(parts), 2**20))
            if not part:
                raise ChannelClosed("end of file")
            parts += part
        return bytes(parts)

    def _wait(self, deadline: float | None) -> None:
        """Block until something can be read. Not a socket timeout: that would also apply to sending."""
        while not select.select([self._socket], [], [], self._patience_s(deadline))[0]:
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError
            if not self._other_lives():
                raise ChannelClosed("the process has ended")

    @staticmethod
    def _patience_s(deadline: float | None) -> float:
        """How long to sleep before looking up: rarely enough to leave a measurement in peace."""
        remaining = LOOK_UP_S if deadline is None else deadline - time.monotonic()
        return min(LOOK_UP_S, max(0.0, remaining))
