"""A worker's keeper: nobody leaves it, it leaves nobody, and it tells how the worker has ended."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

import psutil
import pytest
import runaways
from child_processes import becomes_true, is_gone
from hostile_run import watchdogs_of
from places import ROOT
from suite_command import suite_environment

from pointwise_bench.suites.harness.worker.marked_processes import VARIABLE, Descendants, carrying
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkedProcess, can_fork, kept_by
from pointwise_bench.suites.harness.worker.starting.keeper import fork_kept

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers cannot be forked on this system")

WORD = f"kept-in-a-test-{os.getpid()}"
PATIENCE_S = 20.0


@contextmanager
def kept(work: Callable[[], object]) -> Iterator[ForkedProcess]:
    """A worker that does ``work`` and sleeps, with its keeper, which is a child of this process."""
    lifeline, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads of BLAS, which takes care of itself
        keeper = os.fork()
    if keeper == 0:
        lifeline.close()
        _become_worker(fork_kept(theirs, ()), work)
    theirs.close()
    worker = kept_by(lifeline, PATIENCE_S)
    assert worker is not None
    assert worker.keeper == keeper
    try:
        yield worker
    finally:
        lifeline.close()
        assert becomes_true(lambda: is_gone(keeper))
        os.waitpid(keeper, 0)


def _become_worker(parent: int, work: Callable[[], object]) -> NoReturn:
    try:
        assert os.getppid() == parent
        work()
        time.sleep(1000)
    finally:
        os._exit(1)


def runs(text: str) -> Callable[[], object]:
    return lambda: exec(text.replace("WORD", WORD), {})


def runs_and_tells(text: str, told: Path) -> Callable[[], object]:
    return runs(f"{text}\nopen({str(told)!r}, 'w')")


def parents() -> dict[int, int]:
    return {each.pid: each.info["ppid"] for each in psutil.process_iter(["ppid"])}


# --- the worker's end ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (lambda: os._exit(7), 7),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), -signal.SIGTERM),
        (lambda: 1 / 0, 1),
    ],
    ids=["exit code", "signal", "exception"],
)
def test_how_a_worker_ended_is_told(work: Callable[[], object], code: int) -> None:
    with kept(work) as worker:
        assert worker.wait(PATIENCE_S) == code
        assert worker.end(PATIENCE_S)
        assert worker.poll() == code
        assert becomes_true(lambda: is_gone(worker.keeper))


def test_one_that_is_ended_was_killed_and_nothing_is_left() -> None:
    with kept(lambda: None) as worker:
        assert worker.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(0.01)
        assert worker.end(PATIENCE_S)
        assert worker.wait() == -signal.SIGKILL
        assert becomes_true(lambda: is_gone(worker.pid) and is_gone(worker.keeper))


def test_a_worker_whose_keeper_was_killed_ends_and_nobody_says_that_nothing_is_left(tmp_path: Path) -> None:
    text = "import ctypes; ctypes.CDLL(None).prctl(1, 9)"  # as a worker's own part does
    with kept(runs_and_tells(text, tmp_path / "tied")) as worker:
        assert becomes_true((tmp_path / "tied").exists)
        assert worker.poll() is None
        os.kill(worker.keeper, signal.SIGKILL)
        assert worker.wait(PATIENCE_S) == -signal.SIGKILL
        assert not worker.end(PATIENCE_S)
        assert becomes_true(lambda: is_gone(worker.pid))


# --- what a worker leaves -----------------------------------------------------------------------------------------

CLONES = """
import ctypes, os
libc = ctypes.CDLL(None)
if libc.syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:  # clone, CLONE_PARENT | SIGCHLD: a brother, no child
    os.setsid()
    os.execve("/bin/sleep", ["WORD", "60"], {})
"""
RUNAWAYS = {
    "a daemon": runaways.DAEMON,
    "a daemon without a sign": runaways.NAMELESS_DAEMON,
    "a brother": pytest.param(CLONES, marks=pytest.mark.skipif(platform.machine() != "x86_64", reason="its number")),
}


@pytest.mark.parametrize("let_go", [True, False], ids=["when it is let go", "when the harness has ended"])
@pytest.mark.parametrize("text", RUNAWAYS.values(), ids=[*RUNAWAYS])
def test_who_has_given_up_everything_is_beneath_it_and_killed(text: str, let_go: bool) -> None:
    with kept(runs(text)) as worker:
        assert becomes_true(lambda: bool(runaways.named(WORD)))
        (left,) = runaways.named(WORD)
        assert becomes_true(lambda: parents()[left] == worker.keeper)
        beneath = Descendants(worker.keeper)
        assert beneath.all() == sorted([worker.pid, left])
        assert {*beneath.among({left, worker.pid, worker.keeper, os.getpid(), 1})} == {left, worker.pid}
        if let_go:
            assert worker.end(PATIENCE_S)
            assert runaways.named(WORD) == []
    assert becomes_true(lambda: runaways.named(WORD) == [])


def test_who_outlives_its_worker_is_beneath_it_too() -> None:
    with kept(runs(runaways.NAMELESS_DAEMON + "\nos._exit(3)")) as worker:
        assert worker.wait(PATIENCE_S) == 3
        assert becomes_true(lambda: len(runaways.named(WORD)) == 1)
        assert Descendants(worker.keeper).all() == runaways.named(WORD)
        assert worker.end(PATIENCE_S)
        assert runaways.named(WORD) == []


CHAINS = [runaways.COUNTED_HYDRA, runaways.NAMELESS_COUNTED_HYDRA]


@pytest.mark.parametrize("text", CHAINS, ids=["with signs", "without"])
def test_a_chain_of_processes_is_killed(text: str, tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    beats.touch()
    with kept(runs(text.replace("BEATS", str(beats)))) as worker:
        assert becomes_true(lambda: beats.stat().st_size > 3)
        assert worker.end(PATIENCE_S)
        count = beats.stat().st_size
        time.sleep(0.1)
        assert beats.stat().st_size == count
        assert runaways.none_is_named(WORD)


ORPHANS = """
import ctypes, os
for _ in range(20):
    if os.fork() == 0:
        os.fork()
        os._exit(0)
    os.wait()
"""


def test_orphans_that_end_leave_no_number_behind(tmp_path: Path) -> None:
    """They are the keeper's children then, as this worker adopts none."""
    with kept(runs_and_tells(ORPHANS, tmp_path / "ended")) as worker:
        assert becomes_true((tmp_path / "ended").exists)
        assert becomes_true(lambda: [pid for pid, above in parents().items() if above == worker.keeper] == [worker.pid])
        assert worker.poll() is None
        assert worker.end(PATIENCE_S)


# --- the harness's own end ----------------------------------------------------------------------------------------

PLUGIN = """
import time
from pointwise_bench import Backend, register

@register
class RunsAway(Backend):
    name = "runs-away"
    asked = 0
    def missing(self):
        if not self.asked:
            {text}
        self.asked += 1
        time.sleep(0.05)
        return None
    def prepare(self, problem, weight, bias, threads): ...
"""
HARNESS = """
import sys, time
from pathlib import Path
from pointwise_bench.backends import Source
from pointwise_bench.suites.harness.machine.thread_variables import worker_variables
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkServer

if __name__ == "__main__":
    plugin, folder = sys.argv[1:]
    server = ForkServer(worker_variables(1))
    for attempt in range(5):
        worker = WorkerClient("runs-away", Source("plugin", plugin), 1, Path(folder) / f"log-{attempt}", server=server)
        try:
            for _ in range(10):  # what is stopped before it is the program that it is to be cannot be found
                worker.missing(60.0)
            break
        except Ended:  # a chain may be faster than it can be stopped, which ends its worker
            pass
    print(worker.pid, worker._process._process.keeper, server._process.pid, flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize("guarded", [True, False], ids=["with its watchdog", "whose watchdog was killed"])
@pytest.mark.parametrize("text", [runaways.NAMELESS_DAEMON, runaways.NAMELESS_HYDRA], ids=["a daemon", "a chain"])
def test_nothing_outlives_a_harness_that_is_killed(text: str, guarded: bool, tmp_path: Path) -> None:
    """Not even what carries no mark, whether it was stopped or not."""
    plugin = tmp_path / "runs_away.py"
    plugin.write_text(PLUGIN.format(text=f"exec({text.replace('WORD', WORD)!r})"))
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, str(plugin), str(tmp_path)],
        cwd=ROOT,
        env=suite_environment() | {"TMPDIR": str(tmp_path)},  # where the watchdog is killed nobody deletes its folders
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert harness.stdout is not None
    with closing(harness.stdout) as output:
        try:
            told = [int(word) for word in output.readline().split()]
            assert len(told) == 3
            assert becomes_true(lambda: bool(runaways.named(WORD)))
            if not guarded:
                for watchdog in watchdogs_of(harness.pid):
                    os.kill(watchdog, signal.SIGKILL)
        finally:
            harness.kill()
            harness.wait()
    assert becomes_true(lambda: all(map(is_gone, told)))
    assert becomes_true(lambda: runaways.named(WORD) == [])
    assert runaways.none_is_named(WORD)


def test_without_a_keeper_something_would_be_left() -> None:
    """The control: nobody finds a daemon without a sign, and it does not end by itself."""
    mark = f"{os.getpid()}-of-no-keeper/"
    brand = f"from pointwise_bench.suites.harness.worker.marked_processes import brand; brand({mark!r})"
    text = f"{brand}\n{runaways.NAMELESS_DAEMON.replace('WORD', WORD)}"
    subprocess.run([sys.executable, "-c", text], env=suite_environment() | {VARIABLE: mark}, check=True)
    assert becomes_true(lambda: bool(runaways.named(WORD)))
    (left,) = runaways.named(WORD)
    found = carrying(mark)
    os.kill(left, signal.SIGKILL)
    assert found == []
