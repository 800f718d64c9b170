"""Processes that left their worker's group: stopped between its requests, woken with it, and never too many."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import runaways
from child_processes import becomes_true, is_gone

from pointwise_bench.backends import Source
from pointwise_bench.suites.harness.machine.thread_variables import worker_variables
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.started import started_processes
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkServer, can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers cannot be forked on this system")

WORD = f"started-in-a-test-{os.getpid()}"
PATIENCE_S = 30.0
# Each time that it is asked, the next text that the test has put there is executed; what that calls "told" is answered.
PLUGIN = """
import ctypes, os, signal, sys, time
from pathlib import Path
from pointwise_bench import Backend, register

SPACE = dict(globals())

@register
class Does(Backend):
    name = "does-what-it-is-told"
    def missing(self):
        exec((Path(__file__).parent / "do").read_text(), SPACE)
        return str(SPACE.pop("told", 0))
    def prepare(self, problem, weight, bias, threads): ...
"""


class Told:
    """A worker that executes what it is told to."""

    def __init__(self, client: WorkerClient, folder: Path) -> None:
        self.client, self._folder = client, folder

    def __call__(self, text: str) -> int:
        """What it has told of that."""
        (self._folder / "do").write_text(text.replace("WORD", WORD))
        return int(self.client.missing(PATIENCE_S) or 0)

    @property
    def started(self) -> started_processes.StartedProcesses:
        """What the harness knows of its processes."""
        return self.client._process._started


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    started = ForkServer(worker_variables(1))
    yield started
    started.close()


@pytest.fixture(params=["forked", "started"])
def told(request: pytest.FixtureRequest, tmp_path: Path, server: ForkServer) -> Iterator[Told]:
    """By a server, which gives it a keeper, or anew."""
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    (tmp_path / "do").write_text("pass")
    by = server if request.param == "forked" else None
    client = WorkerClient("does-what-it-is-told", Source("plugin", str(plugin)), 1, tmp_path / "log", server=by)
    yield Told(client, tmp_path)
    client.kill()


only_forked = pytest.mark.parametrize("told", ["forked"], indirect=True)


def state(pid: int) -> str:
    return psutil.Process(pid).status()


def is_stopped(pid: int) -> bool:
    return becomes_true(lambda: state(pid) == psutil.STATUS_STOPPED)


def cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


# --- stopped ------------------------------------------------------------------------------------------------------


@only_forked
@pytest.mark.parametrize("text", [runaways.DAEMON, runaways.NAMELESS_DAEMON], ids=["a daemon", "one without a sign"])
def test_who_has_left_everything_is_stopped_woken_and_killed(told: Told, text: str) -> None:
    told("pass")
    left = runs_away(told, text)
    assert left in told.started._outside
    assert is_stopped(left)
    before_s = cpu_s(left)
    time.sleep(0.1)
    assert cpu_s(left) == before_s
    told("time.sleep(0.3)")
    assert cpu_s(left) > before_s
    assert is_stopped(left)
    told.client.kill()
    assert becomes_true(lambda: is_gone(left))


def runs_away(told: Told, text: str) -> int:
    """Which process has run away, once it is the program that it is to be."""
    told(text)
    while not runaways.named(WORD):
        told("time.sleep(0.02)")
    (left,) = runaways.named(WORD)
    return left


@pytest.mark.parametrize("where", [runaways.OUTSIDE, runaways.INSIDE], ids=["outside", "inside"])
@pytest.mark.parametrize("text", [runaways.WAKER, runaways.WAKERS], ids=["the worker", "each other"])
def test_who_wakes_those_that_are_stopped_does_not_run_beside_rivals(told: Told, text: str, where: str) -> None:
    """Where they cannot be stopped, their worker is ended."""
    said = ""
    try:
        for _ in range(20):
            told(text.replace("LEAVES", where))
            text = "pass"
            before_s = cpu_of(told)
            time.sleep(0.03)
            assert cpu_of(told) == before_s
    except Ended as ended:
        said = str(ended)
    if said:
        assert "does not stay stopped, or has left processes that do not" in said
        assert becomes_true(lambda: is_gone(told.client.pid))


def cpu_of(told: Told) -> float:
    """Of the worker and all that it has started."""
    return sum(map(cpu_s, (told.client.pid, *told.started.living)))


MOVES = """
told = os.fork()
if told == 0:
    while not os.path.exists("GO"):
        time.sleep(0.001)
    os.setsid()
    open("GONE", "w")
    while True:
        pass
"""


def test_who_leaves_the_group_in_a_later_request_is_stopped_too(told: Told, tmp_path: Path) -> None:
    """Nobody was started in that one, and it was seen in the group before."""
    go, gone = tmp_path / "go", tmp_path / "gone"
    told("pass")
    child = told(MOVES.replace("GONE", str(gone)).replace("GO", str(go)))
    assert child not in told.started._outside
    told(f"open({str(go)!r}, 'w')\nwhile not os.path.exists({str(gone)!r}): time.sleep(0.001)")
    assert os.getpgid(child) == child
    assert is_stopped(child)
    told.client.kill()
    assert becomes_true(lambda: is_gone(child))


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("forked", runaways.COUNTED_HYDRA),
        ("forked", runaways.NAMELESS_COUNTED_HYDRA),
        ("started", runaways.COUNTED_HYDRA),
    ],
    indirect=["told"],
    ids=["a chain", "one without a sign", "a chain of a started one"],
)
def test_a_chain_of_processes_rests_between_requests(
    told: Told, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(started_processes, "MOST_UNWAITED", 10**6)  # its links are the worker's, where that adopts them
    monkeypatch.setattr(started_processes, "MOST_ROUNDS", 1000)  # beside other tests a look comes too late now and then
    beats = tmp_path / "beats"
    beats.touch()
    waits = f"while os.stat({str(beats)!r}).st_size <= COUNT: time.sleep(0.001)"
    told("pass")
    told(f"{text.replace('BEATS', str(beats))}\n{waits.replace('COUNT', '0')}")
    for _ in range(5):
        count = beats.stat().st_size
        time.sleep(0.1)
        assert beats.stat().st_size == count
        told(waits.replace("COUNT", str(count)))
    told.client.kill()
    count = beats.stat().st_size
    time.sleep(0.1)
    assert beats.stat().st_size == count


@only_forked
def test_one_whose_processes_cannot_be_stopped_is_ended(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told("pass")
    monkeypatch.setattr(started_processes, "MOST_ROUNDS", 1)
    with pytest.raises(Ended, match="start others faster than they can be stopped") as caught:
        told(runaways.DAEMON)
    assert (caught.value.status, caught.value.alive) == ("failed", False)
    assert becomes_true(lambda: runaways.none_is_named(WORD, 3))


# --- never too many -----------------------------------------------------------------------------------------------

LEAVES = """
reading, writing = os.pipe()
for _ in range(COUNT):
    told = os.fork()
    if told == 0:
        os.setsid()
        os.write(writing, b".")
        time.sleep(SECONDS)
        os._exit(0)
for _ in range(COUNT):
    os.read(reading, 1)
os.close(reading)
os.close(writing)
"""


def leaves(count: int, seconds: float) -> str:
    return LEAVES.replace("COUNT", str(count)).replace("SECONDS", str(seconds))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_descriptors_of_those_that_have_ended_are_closed(told: Told) -> None:
    told("signal.signal(signal.SIGCHLD, signal.SIG_IGN)")
    before = descriptors()
    for number in range(1, 7):
        told(leaves(8, 1000))
        assert len(told.started._outside) == 8 * number
    for pid in told.started._outside:
        os.kill(pid, signal.SIGKILL)
    assert becomes_true(lambda: all(map(is_gone, told.started._outside)))
    told(leaves(1, 1000))
    assert len(told.started._outside) == 1
    assert descriptors() == before + 1
    told.client.kill()
    assert descriptors() < before


def test_who_leaves_more_outside_of_its_group_than_there_may_be_is_ended(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one request, before which no descriptor was taken: no more are taken than there may be."""
    most = told.started._most_outside = 10
    told(leaves(most, 1000))
    assert len(told.started._outside) == most
    before = descriptors()
    monkeypatch.setattr(os, "pidfd_open", lambda pid: pytest.fail("one more is opened"))
    with pytest.raises(Ended) as caught:
        told(leaves(30, 1000))
    assert (caught.value.status, caught.value.alive) == ("failed", False)
    assert caught.value.reason == "missing: left over 10 processes outside of its group"
    assert descriptors() < before
    assert becomes_true(lambda: psutil.pid_exists(told.client.pid) is False)


@pytest.mark.parametrize(
    ("limit", "most"),
    [(1024, 64), (256, 16), (20000, started_processes.MOST_OUTSIDE), (resource.RLIM_INFINITY, 256)],
)
def test_how_many_there_may_be_follows_from_the_descriptors_that_there_are(
    limit: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    assert started_processes.most_outside() == most
