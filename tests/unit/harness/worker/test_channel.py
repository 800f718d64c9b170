"""Messages between the harness and a worker, of which the other end may be anything."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from many_descriptors import numbered_high

from pointwise_bench.suites.harness.worker import channel as channel_module
from pointwise_bench.suites.harness.worker.channel import LARGEST_MESSAGE, Channel, ChannelClosed, ChannelGarbled


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel, and the bare socket at its other end."""
    ours, theirs = socket.socketpair()
    ours.settimeout(10)  # a channel that forgets to wait with a limit fails these tests and does not hang them
    yield Channel(ours), theirs
    ours.close()
    theirs.close()


def head(length: int) -> bytes:
    return struct.pack("<I", length)


def test_messages_arrive_whole_and_in_order(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    sent: list[dict[str, Any]] = [
        {"do": "turn", "calls": 3},
        {"value": None},
        {"text": "\u00e4 \U0001f600", "number": 1e-300},
    ]
    for message in sent:
        Channel(theirs).send(message)
    assert [channel.receive(1.0) for _ in sent] == [(message, []) for message in sent]


def test_a_message_larger_than_the_sockets_buffer_arrives_whole(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    message = {"text": "x" * 3_000_000}
    sender = threading.Thread(target=Channel(theirs).send, args=(message,))
    sender.start()
    assert channel.receive(10.0) == (message, [])
    sender.join()


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_the_reader_is_woken_when_the_message_is_there_or_does_not_fit(
    ends: tuple[Channel, socket.socket], size: int
) -> None:
    """Not before: its threads would keep this process from sending. And not never: nobody would empty a full buffer."""
    channel, theirs = ends
    there: list[int] = []
    message = {"text": "x" * size}

    def wake() -> None:
        there.append(len(theirs.recv(2**22, socket.MSG_PEEK)))
        reader.start()

    received: list[Any] = []
    reader = threading.Thread(target=lambda: received.append(Channel(theirs).receive(10.0)))
    channel.send(message, wake=wake)
    reader.join()
    assert received == [(message, [])]
    assert there[0] >= min(size, 4096)


def test_a_reader_that_has_the_message_may_go_at_once(ends: tuple[Channel, socket.socket]) -> None:
    """Whoever sent it learns of that when the next one is sent, and not from a message that arrived."""
    channel, theirs = ends
    channel.send({"do": "turn"}, wake=theirs.close)
    with pytest.raises(ChannelClosed):
        channel.send({"do": "turn"})


def test_the_reader_is_woken_where_nothing_fits(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    end = channel._socket
    end.setblocking(False)
    filled = 0
    with pytest.raises(BlockingIOError):
        while True:
            filled += end.send(b" " * 4096)
    end.setblocking(True)  # as it is in a run
    channel.send({"do": "turn"}, wake=lambda: _read_all(theirs, filled))
    assert Channel(theirs).receive(1.0) == ({"do": "turn"}, [])


def _read_all(end: socket.socket, count: int) -> None:
    while count:
        count -= len(end.recv(count))


def test_descriptors_travel_with_their_message(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    with tempfile.TemporaryFile() as file:
        file.write(b"shared")
        file.flush()
        Channel(theirs).send({"do": "set_up"}, (file.fileno(),))
        message, (descriptor,) = channel.receive(1.0)
    assert message == {"do": "set_up"}
    assert os.pread(descriptor, 100, 0) == b"shared"
    os.close(descriptor)


@pytest.mark.parametrize(
    "data",
    [b"", head(10)[:2], head(10), head(10) + b'{"a"', head(4) + b"{{{{", head(2) + b"\xff\xfe"],
    ids=["nothing", "half a length", "no body", "half a body", "no JSON", "no text"],
)
def test_a_truncated_or_senseless_message_closes_the_channel(ends: tuple[Channel, socket.socket], data: bytes) -> None:
    channel, theirs = ends
    theirs.sendall(data)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(ChannelClosed):
        channel.receive(1.0)


def test_an_oversized_message_is_refused_by_its_length_alone(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    theirs.sendall(head(LARGEST_MESSAGE + 1))
    with pytest.raises(ChannelClosed, match=str(LARGEST_MESSAGE + 1)):
        channel.receive(1.0)


@pytest.mark.parametrize(
    "data",
    [
        head(4) + b"{{{{",
        head(0),
        head(2) + b"\xff\xfe",
        head(2) + b"55",
        head(2) + b"[]",
        head(100_000) + b"[" * 100_000,
    ],
    ids=["no JSON", "nothing", "no text", "a number", "a list", "no end of lists"],
)
def test_what_is_no_message_is_told_from_an_end(ends: tuple[Channel, socket.socket], data: bytes) -> None:
    channel, theirs = ends
    sender = threading.Thread(target=theirs.sendall, args=(data,))
    sender.start()
    with pytest.raises(ChannelGarbled):
        channel.receive(10.0)
    sender.join()


def test_descriptors_of_what_is_no_message_are_closed(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    read_end, write_end = os.pipe()
    socket.send_fds(theirs, [head(2)], [write_end])
    theirs.sendall(b"55")
    os.close(write_end)
    with pytest.raises(ChannelGarbled):
        channel.receive(1.0)
    assert os.read(read_end, 1) == b""  # end of file: the other end is not open anywhere
    os.close(read_end)


def test_a_sender_that_never_stops_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "LOOK_UP_S", 0.05)
    ours, theirs = socket.socketpair()

    def look_up() -> None:
        raise ChannelClosed("seen")

    def send() -> None:
        theirs.sendall(head(LARGEST_MESSAGE))
        try:
            while True:
                theirs.sendall(b" ")
        except OSError:
            pass

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(ChannelClosed, match="seen"):
        Channel(ours, look_up).receive(10.0)
    ours.close()
    sender.join()
    theirs.close()


@pytest.mark.parametrize("data", [b"", head(10)[:2], head(10), head(10) + b'{"a"'], ids=len)
def test_what_is_not_complete_in_time_is_a_timeout(ends: tuple[Channel, socket.socket], data: bytes) -> None:
    channel, theirs = ends
    theirs.sendall(data)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.receive(0.1)
    assert 0.09 < time.monotonic() - began < 5


def test_a_dripping_sender_cannot_stretch_the_timeout(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    stop = threading.Event()

    def drip() -> None:
        theirs.sendall(head(1000))
        while not stop.wait(0.02):
            theirs.sendall(b" ")

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.receive(0.2)
    assert time.monotonic() - began < 5
    stop.set()
    dripping.join()


def test_sending_to_a_closed_end_is_a_closed_channel(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    theirs.close()
    with pytest.raises(ChannelClosed):
        for _ in range(3):
            channel.send({"do": "missing"})


def test_it_waits_where_rivals_have_left_a_thousand_descriptors(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    with numbered_high(channel.fileno()) as number:
        high = socket.socket(fileno=number)
        with pytest.raises(TimeoutError):
            Channel(high).receive(0.01)
        Channel(theirs).send({"value": 1})
        assert Channel(high).receive(1.0) == ({"value": 1}, [])
        high.detach()
