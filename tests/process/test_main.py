"""The loop of a worker process, over a channel of the test's own: what it answers, and how it ends."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from child_processes import is_gone

from pointwise_bench.suites.harness.worker.channel import Channel, ChannelClosed
from pointwise_bench.suites.harness.worker.main import CHANNEL_LOST

PATIENCE_S = 60.0
LIMITS = {"memory_bytes": 2**32, "file_bytes": 2**20}
PLUGIN = """
import sys
from pointwise_bench import Backend, register

@register
class Odd(Backend):
    name = "odd"
    def missing(self): return "a device"
    def refuses(self, problem): sys.exit(3)
    def ran(self): raise KeyboardInterrupt
    def prepare(self, problem, weight, bias, threads): ...
"""


@contextmanager
def worker(backend: str, location: str, kind: str = "plugin", **told: Any) -> Iterator[tuple[Channel, Any]]:
    """Our end of the channel of a new worker, and its process."""
    ours, theirs = socket.socketpair()
    start = {
        "backend": backend,
        "source": {"kind": kind, "location": location},
        "threads": 1,
        "device": "cpu",
        "descriptor": theirs.fileno(),
        "parent": os.getpid(),
        "limits": LIMITS,
    } | told
    command = [sys.executable, "-m", "pointwise_bench.suites.harness.worker.main", json.dumps(start)]
    with theirs:
        process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stderr=subprocess.PIPE, text=True)
    try:
        yield Channel(ours), process
    finally:
        ours.close()
        process.kill()
        process.communicate()


@pytest.fixture
def odd(tmp_path: Path) -> str:
    path = tmp_path / "odd_plugin.py"
    path.write_text(PLUGIN)
    return str(path)


def answer(channel: Channel, **message: Any) -> dict[str, Any]:
    channel.send(message)
    reply, attached = channel.receive(PATIENCE_S)
    assert attached == []
    return reply


def test_it_answers_until_the_channel_closes_and_leaves_with_its_own_code(odd: str) -> None:
    """Whatever a plugin's method raises, the next message is answered."""
    with worker("odd", odd) as (channel, process):
        assert answer(channel, do="missing") == {"value": "a device"}
        refused = answer(channel, do="refuses", problem="n1c8h4w4-o8")
        assert (refused["status"], refused["error_ratio"]) == ("failed", None)
        assert refused["reason"].startswith("refuses: SystemExit: 3 (odd_plugin.py:")
        assert answer(channel, do="ran")["reason"].startswith("ran: KeyboardInterrupt: no message (odd_plugin.py:")
        assert answer(channel, do="turn", calls=1, warm_s=0.0, cores=None, places=(0, 0))["reason"] == (
            "turn: RuntimeError: set_up comes first"
        )
        assert answer(channel, do="dance")["reason"] == "dance: KeyError: 'dance'"
        assert answer(channel, do="missing") == {"value": "a device"}
        channel.close()
        assert process.wait(timeout=PATIENCE_S) == CHANNEL_LOST
        assert process.stderr.read() == "no channel: end of file\n"


def test_a_source_that_cannot_be_loaded_here_has_a_stand_in_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import no_such_package_anywhere")
    with worker("whatever-it-declared", str(path)) as (channel, _):
        assert "No module named 'no_such_package_anywhere'" in answer(channel, do="missing")["value"]


def test_it_is_limited_before_the_plugin_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "looks.py"
    path.write_text(
        "import resource, sys\n"
        "FOUND = [resource.getrlimit(resource.RLIMIT_FSIZE)[1], resource.getrlimit(resource.RLIMIT_CORE)[1],\n"
        "         round(sys.getswitchinterval(), 6)]\n" + PLUGIN.replace('return "a device"', "return str(FOUND)")
    )
    with worker("odd", str(path)) as (channel, _):
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        file_bytes = 2**20 if most == resource.RLIM_INFINITY else min(2**20, most)
        assert answer(channel, do="missing")["value"] == str([file_bytes, 0, 0.0002])


def test_a_message_that_is_none_ends_it(odd: str) -> None:
    """It cannot be told where the next one begins."""
    with worker("odd", odd) as (channel, process):
        assert answer(channel, do="missing") == {"value": "a device"}
        channel._socket.sendall(b"\xff" * 8)
        with pytest.raises(ChannelClosed):
            channel.receive(PATIENCE_S)
        assert process.wait(timeout=PATIENCE_S) == CHANNEL_LOST


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process's life to its parent's")
def test_a_worker_of_a_harness_that_is_gone_does_not_begin(odd: str) -> None:
    with worker("odd", odd, parent=os.getpid() + 1) as (channel, process):
        with pytest.raises(ChannelClosed):
            channel.receive(PATIENCE_S)
        assert process.wait(timeout=PATIENCE_S) == 1


def test_exit_handlers_and_threads_of_a_plugin_do_not_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "lingers.py"
    path.write_text("import atexit, threading, time\natexit.register(time.sleep, 1000)\n"
                    "threading.Thread(target=time.sleep, args=(1000,)).start()\n" + PLUGIN)  # fmt: skip
    with worker("odd", str(path)) as (channel, process):
        assert answer(channel, do="missing") == {"value": "a device"}
        channel.close()
        assert process.wait(timeout=10) == CHANNEL_LOST
    assert is_gone(process.pid)
    assert not psutil.pid_exists(process.pid)
