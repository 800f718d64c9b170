"""Messages between the harness and a worker: JSON behind its length, and file descriptors beside it.

Not pickle: a plugin runs at the other end, and what it sends must not be able to run code here.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from array import array
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct("<I")
LARGEST_MESSAGE = 4 * 2**20  # bytes; the longest answer, to a claim, has some 100 KiB. What is read is kept in memory
MOST_DESCRIPTORS = 4
LOOK_UP_S = 0.5  # between two looks at whether the other process still runs, and at its memory

Message = dict[str, Any]


class ChannelClosed(Exception):
    """The other end is gone."""


class ChannelGarbled(ChannelClosed):
    """What the other end sent is no message, so that nobody can tell where its next message begins."""


class Channel:
    """One end of a socket pair. Not shared between threads.

    ``look_up`` is called every :data:`LOOK_UP_S` seconds while this end waits, and ends the waiting by raising:
    ``ChannelClosed`` where the process at the other end has ended, which the end of file alone does not tell if a child
    of that process has inherited its descriptors and is still running.
    """

    def __init__(self, end: socket.socket, look_up: Callable[[], None] = lambda: None) -> None:
        self._socket = end
        self._look_up = look_up
        self._next_look_up = 0.0

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def send(
        self, message: Message, descriptors: tuple[int, ...] = (), wake: Callable[[], None] = lambda: None
    ) -> None:
        """Send ``message`` and duplicates of ``descriptors``; ``ChannelClosed`` when nobody can receive them.

        ``wake`` wakes the reader, once the message lies in the socket's buffer, or as much of it as fits. Before that,
        threads of it that spin would take the cores from this process, which kept a message back for a third of a
        millisecond.
        """
        body = json.dumps(message).encode()
        data = _LENGTH.pack(len(body)) + body
        try:
            # Descriptors are sent with the first byte, so that the reader has them before the body.
            sent = self._send_first(data, descriptors, socket.MSG_DONTWAIT)
            wake()
            sent = sent or self._send_first(data, descriptors)
            if sent < len(data):  # to send nothing fails where the reader has the message and is gone
                self._socket.sendall(data[sent:])
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def _send_first(self, data: bytes, descriptors: tuple[int, ...], flags: int = 0) -> int:
        """How many bytes were sent, with the descriptors: none where ``flags`` forbid to wait, and there is no room."""
        attached = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))]
        try:  # not socket.send_fds, which takes flags and leaves them out
            return self._socket.sendmsg([data], attached, flags)
        except BlockingIOError:
            return 0

    def receive(self, timeout_s: float | None = None) -> tuple[Message, list[int]]:
        """The next message with its descriptors, which the caller owns.

        ``TimeoutError`` when it is not complete within ``timeout_s`` seconds; ``ChannelClosed`` at end of file.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._next_look_up = time.monotonic() + LOOK_UP_S
        descriptors: list[int] = []
        try:
            self._wait(deadline)
            head, descriptors, _, _ = socket.recv_fds(self._socket, _LENGTH.size, MOST_DESCRIPTORS)
            if not head:
                raise ChannelClosed("end of file")
            head += self._read(_LENGTH.size - len(head), deadline)
            return _parse(self._read(_length(head), deadline)), descriptors
        except BaseException as error:
            for descriptor in descriptors:
                os.close(descriptor)
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise ChannelClosed(str(error)) from error
            raise

    def _read(self, count: int, deadline: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            self._wait(deadline)
            part = self._socket.recv(min(count - len(parts), 2**20))
            if not part:
                raise ChannelClosed("end of file in the middle of a message")
            parts += part
        return bytes(parts)

    def _wait(self, deadline: float | None) -> None:
        """Block until something can be read. Not a socket timeout: that would also apply to sending.

        Nor ``select``, which takes no descriptor from number 1024 on, as one is where others have been left open.
        """
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        while not waiting.poll(1000 * self._patience_s(deadline)):
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError
            self._look_up_if_due()
        self._look_up_if_due()  # also while the other end never stops sending

    def _look_up_if_due(self) -> None:
        if time.monotonic() >= self._next_look_up:
            self._look_up()
            self._next_look_up = time.monotonic() + LOOK_UP_S

    def _patience_s(self, deadline: float | None) -> float:
        """Seconds to sleep before looking up: rarely enough not to disturb a measurement."""
        until = self._next_look_up if deadline is None else min(deadline, self._next_look_up)
        return max(0.0, until - time.monotonic())


def _length(head: bytes) -> int:
    (length,) = _LENGTH.unpack(head)
    if length > LARGEST_MESSAGE:
        raise ChannelGarbled(f"a message of {length} bytes")
    return int(length)


def _parse(body: bytes) -> Message:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ChannelGarbled(f"a message that is no JSON: {error}") from error
    if not isinstance(message, dict):
        raise ChannelGarbled(f"a message that is a {type(message).__name__}")
    return message
