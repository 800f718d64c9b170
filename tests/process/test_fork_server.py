"""How long the server serves, and how a fork of it begins and ends as a worker; its keeper: ``test_keeper.py``."""

from __future__ import annotations

import errno
import os
import socket
from threading import Thread

import pytest

from pointwise_bench.suites.harness.worker import main as worker_main
from pointwise_bench.suites.harness.worker.channel import Channel
from pointwise_bench.suites.harness.worker.starting import fork_server
from pointwise_bench.suites.harness.worker.starting.forked_process import can_fork, kept_by

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers cannot be forked on this system")


def ends_with(monkeypatch: pytest.MonkeyPatch, end: BaseException | None) -> int:
    """The exit code of a fork whose worker's part ends so."""

    def part(arguments: str) -> None:
        if end is not None:
            raise end

    monkeypatch.setattr(worker_main, "main", part)
    pid = os.fork()
    if pid == 0:
        fork_server.become_worker({"environment": {}, "arguments": {}}, 0, os.open(os.devnull, os.O_WRONLY), 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize(
    ("end", "code"), [(None, 0), (SystemExit(5), 5), (SystemExit("a sentence"), 1), (RuntimeError("no"), 1)]
)
def test_a_worker_ends_with_the_code_that_a_program_would(
    monkeypatch: pytest.MonkeyPatch, end: BaseException | None, code: int
) -> None:
    assert ends_with(monkeypatch, end) == code


def test_it_serves_until_its_channel_is_closed() -> None:
    ours, theirs = socket.socketpair()
    server = Thread(target=fork_server.serve, args=(Channel(theirs),), daemon=True)
    server.start()
    ours.close()
    server.join(10.0)
    assert not server.is_alive()
    theirs.close()


def test_where_no_process_is_left_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is refused, with the reason, and not the next one."""
    tried: list[int] = []

    def none_left() -> int:
        tried.append(1)
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", none_left)
    ours, theirs = socket.socketpair()
    server = Thread(target=fork_server.serve, args=(Channel(theirs),), daemon=True)
    server.start()
    for number in (1, 2):
        lifeline, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            Channel(ours).send({}, (its.fileno(),) * 3)
        with pytest.raises(BlockingIOError):
            kept_by(lifeline, 10.0)
        assert len(tried) == number
        assert lifeline.fileno() < 0
    ours.close()
    server.join(10.0)
    assert not server.is_alive()
    theirs.close()
