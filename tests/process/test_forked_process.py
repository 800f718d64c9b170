"""Workers that a server has forked: they are stopped, told of and killed as those that are started anew."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from child_processes import becomes_true, is_gone

from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.machine.thread_variables import worker_variables
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker import marked_processes
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkServer, ServerGone, can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers cannot be forked on this system")

PATIENCE_S = 30.0
# What the plugin says that it is missing is what the process finds out about itself.
PLUGIN = """
import os, signal, subprocess, sys, time
from pointwise_bench import Backend, register

@register
class Tells(Backend):
    name = "tells-of-itself"
    def missing(self): return str(eval(os.environ["ASKED"]))
    def prepare(self, problem, weight, bias, threads): pass
"""

Start = Callable[..., WorkerClient]


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    started = ForkServer(worker_variables(3), ("colorsys", "there_is_no_such_module"))
    yield started
    started.close()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ForkServer) -> Iterator[Start]:
    """Starts a worker that answers what it is ``asked``."""
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    monkeypatch.setattr(registry, "_entries", {name: registry._entries[name] for name in registry.names()})
    registry.add_plugin(str(plugin))
    source = registry.source("tells-of-itself")
    made: list[WorkerClient] = []

    def start(asked: str, by: ForkServer = server, **variables: str) -> WorkerClient:
        told = variables | {"ASKED": asked}
        made.append(WorkerClient("tells-of-itself", source, 3, tmp_path / "log", variables=told, server=by))
        return made[-1]

    yield start
    for each in made:
        each.kill()


def answer(client: WorkerClient) -> Any:
    told = client.missing(PATIENCE_S)
    assert told is not None
    return eval(told)  # what our own plugin above wrote


def test_it_has_the_environment_the_session_and_the_outputs_of_its_own(start: Start, tmp_path: Path) -> None:
    asked = (
        "[os.environ['OMP_NUM_THREADS'], os.environ['OF_OURS'], os.getpgid(0) == os.getsid(0) == os.getpid(), "
        "os.readlink('/proc/self/fd/1'), os.readlink('/proc/self/fd/2'), os.readlink('/proc/self/fd/0')]"
    )
    log = str(tmp_path / "log")
    assert answer(start(asked, OF_OURS="kept")) == ["3", "kept", True, log, log, os.devnull]
    assert answer(start("os.environ.get('OF_OURS')")) is None


def test_what_is_imported_for_all_is_there_and_what_cannot_be_is_missed_by_nobody_else(start: Start) -> None:
    assert answer(start("[name in sys.modules for name in ('colorsys', 'there_is_no_such_module')]")) == [True, False]


def test_it_holds_no_descriptor_of_a_rival_or_of_the_server(start: Start) -> None:
    """With one of a rival's process it could signal that."""
    rival = start("1")
    rival.missing(PATIENCE_S)
    open_ = "[f'/proc/self/fd/{each}' for each in os.listdir('/proc/self/fd')]"
    kept = answer(start(f"[os.readlink(each) for each in {open_} if os.path.lexists(each)]"))
    sockets = [each for each in kept if each.startswith("socket:")]
    assert len(sockets) == 1
    assert not any("pidfd" in each for each in kept)


def test_it_is_limited_and_marked_as_others_are(start: Start) -> None:
    client = start("__import__('resource').getrlimit(__import__('resource').RLIMIT_CORE)")
    assert answer(client) == (0, 0)
    assert client.pid in marked_processes.carrying(client._process._mark)


def test_it_runs_only_while_it_is_asked(start: Start) -> None:
    client = start("1")
    client.missing(PATIENCE_S)
    assert psutil.Process(client.pid).status() == psutil.STATUS_STOPPED


@pytest.mark.parametrize(
    ("asked", "how"),
    [
        ("os._exit(7)", "left with exit code 7"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
    ],
)
def test_how_it_ended_is_told(start: Start, asked: str, how: str) -> None:
    with pytest.raises(Ended, match=how):
        start(asked).missing(PATIENCE_S)


def test_a_plugin_that_cannot_be_loaded_says_why(start: Start, tmp_path: Path) -> None:
    client = start("1")
    client.kill()
    (tmp_path / "plugin.py").write_text("raise SystemExit('no such luck')")
    assert "no such luck" in str(start("1").missing(PATIENCE_S))


def test_what_it_has_started_is_killed_with_it_whatever_that_has_given_up(start: Start) -> None:
    """A process with an empty environment, in a session of its own, whose parent has ended."""
    sleeper = "subprocess.Popen(['sleep', '60'], env={}, start_new_session=True).pid"
    client = start(sleeper)
    pid = answer(client)
    assert psutil.pid_exists(pid)
    client.kill()
    assert becomes_true(lambda: is_gone(pid))
    assert becomes_true(lambda: is_gone(client.pid))


def test_workers_outlive_their_server(start: Start) -> None:
    """Each has a keeper of its own: who has ended the server has not freed anybody."""
    other = ForkServer(worker_variables(1))
    client = start("1", other)
    client.missing(PATIENCE_S)
    other.close()
    assert answer(client) == 1
    client.kill()
    assert becomes_true(lambda: is_gone(client.pid))


def test_a_worker_ends_with_its_keeper_and_that_is_told(start: Start) -> None:
    """And no other one does, as all of a server had."""
    client, other = start("1"), start("1")
    assert answer(client) == answer(other) == 1
    keeper = psutil.Process(client.pid).parent()
    assert keeper is not None
    keeper.kill()
    assert becomes_true(lambda: is_gone(client.pid))
    with pytest.raises(Ended, match="SIGKILL"):
        client.missing(PATIENCE_S)
    assert answer(other) == 1


def test_a_keeper_is_in_no_group_of_the_server(start: Start) -> None:
    """The watchdog kills that one, and would free whoever has lost every parent but the keeper."""
    client = start("1")
    keeper = psutil.Process(client.pid).ppid()
    assert os.getsid(keeper) == os.getpgid(keeper) == keeper
    assert answer(client) == 1


def test_a_server_that_has_ended_forks_nobody(start: Start) -> None:
    other = ForkServer(worker_variables(1))
    os.kill(other._process.pid, signal.SIGKILL)
    other._process.wait()
    with pytest.raises(ServerGone):
        start("1", other)
    other.close()


def test_what_is_the_same_in_all_workers_of_one_server_differs_between_servers(
    start: Start, server: ForkServer
) -> None:
    asked = "id(sys.modules)"  # a place in memory; the order of hashes may be given by a variable
    same = [answer(start(asked)) for _ in range(2)]
    other = ForkServer(worker_variables(3))
    another = start(asked, other)
    assert answer(another) not in same
    assert len(set(same)) == 1
    another.kill()
    other.close()


def test_where_limits_tell_nobody_apart_none_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 100))
    assert not can_fork()
    monkeypatch.undo()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not can_fork()


def test_waiting_for_one_that_runs_is_given_up(start: Start) -> None:
    process = start("1")._process._process
    assert process.poll() is None
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.01)
        pytest.fail("it runs")
