"""Worker processes: what a plugin can do to its own, what follows from it, and that it is stopped while it waits."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from expected_ends import AT_WORK, BEFORE_WORK, HARMLESS, tried_in_a_run
from forked_workers import forked_workers
from places import PLUGINS, ROOT
from soak import SOAK

from pointwise_bench.backends import Problem, Source
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.worker import limits, marked_processes
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of processes in /proc")

PLUGIN = PLUGINS / "misbehaving.py"
PROBLEM = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
PATIENCE_S = 30.0

Start = Callable[..., WorkerClient]


@pytest.fixture(scope="module")
def cases() -> Iterator[SharedCases]:
    shared = SharedCases(PROBLEM, CaseSet.of(PROBLEM, seed=1))
    yield shared
    shared.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def start(log: Path) -> Iterator[Start]:
    """Starts a worker for one of the misbehaving backends, and ends it after the test.

    ``by_itself``: as a program of its own, as a run does; else as a fork. With POINTWISE_SOAK=1 always.
    """
    workers: list[WorkerClient] = []

    def start(name: str, *, asked: bool = True, by_itself: bool = False) -> WorkerClient:
        with nullcontext() if SOAK or by_itself else forked_workers():
            workers.append(WorkerClient(name, Source("plugin", str(PLUGIN)), threads=1, log=log))
        if asked:
            assert workers[-1].missing(PATIENCE_S) is None
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine with two gigabytes to spare would set."""
    monkeypatch.setattr(limits, "present_limits", lambda: limits.Limits(memory_bytes=2**30, file_bytes=2**25))


@contextmanager
def suppress_and_keep() -> Iterator[list[Ended]]:
    ended: list[Ended] = []
    try:
        yield ended
    except Ended as one:
        ended.append(one)


def processes_of(worker: WorkerClient) -> list[int]:
    """All living processes that began in this worker, wherever they have gone."""
    return marked_processes.carrying(worker._process._mark)


def fields_of_stat(pid: int) -> list[str]:
    """What /proc tells after the name, which may hold spaces; the state comes first. See proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_gone(pid: int) -> bool:
    """Whether the process ended, waited for or not."""
    try:
        return fields_of_stat(pid)[0] in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return True


def becomes_true(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def cpu_ticks(pid: int) -> int:
    fields = fields_of_stat(pid)
    return int(fields[11]) + int(fields[12])  # user and system time


# --- how a part can end -------------------------------------------------------------------------------------------


def test_every_misbehaving_backend_has_an_expected_end() -> None:
    expected = {*HARMLESS, *AT_WORK, *BEFORE_WORK, "sets-the-clock"}  # a trial checks the clock
    registered = set(re.findall(r'^    name = "(.*)"$', PLUGIN.read_text(), re.MULTILINE))
    assert registered == expected


@pytest.mark.parametrize("name", AT_WORK)
def test_a_part_ends_with_its_status_and_a_reason_that_helps(
    start: Start, cases: SharedCases, small_limits: None, name: str
) -> None:
    status, words = AT_WORK[name]
    worker = start(name, by_itself=name in tried_in_a_run(AT_WORK))
    with pytest.raises(Ended) as caught:
        worker.set_up(cases, 1.0 if status == "timed-out" else PATIENCE_S)
    assert (caught.value.status, caught.value.alive) == (status, status == "wrong"), caught.value.reason
    assert words in caught.value.reason
    assert "\n" not in caught.value.reason
    if status in ("crashed", "timed-out"):
        assert is_gone(worker.pid)
    if caught.value.alive:
        assert worker.refuses(PROBLEM, PATIENCE_S) is None
    worker.kill()
    assert processes_of(worker) == []


@pytest.mark.parametrize("name", BEFORE_WORK)
def test_a_part_can_end_at_the_first_requests(start: Start, name: str) -> None:
    status, words = BEFORE_WORK[name]
    worker = start(name, asked=False, by_itself=name in tried_in_a_run(BEFORE_WORK))
    answer = None
    with suppress_and_keep() as ended:
        answer = worker.missing(1.0 if status == "timed-out" else PATIENCE_S)
        answer = answer or worker.refuses(PROBLEM, PATIENCE_S)
    if status in ("unavailable", "unsupported"):
        assert ended == []
        assert answer is not None
        assert answer.startswith(words)
        assert len(answer) <= 400
        assert answer.isprintable()
    else:
        assert [(each.status, each.alive) for each in ended] == [(status, False)]
        assert words in ended[0].reason


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_no_harm_is_measured_like_any_other(start: Start, cases: SharedCases, name: str) -> None:
    worker = start(name, by_itself=True)
    worker.set_up(cases, PATIENCE_S)
    assert worker.turn(3, 0.0, None, PATIENCE_S).seconds_per_call > 0
    assert worker.finish(PATIENCE_S).error_ratio is not None
    worker.kill()
    assert processes_of(worker) == []


def test_passes_are_timed_in_the_worker_and_what_goes_wrong_there_ends_it_alone(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [(PROBLEM, 2), (replace(PROBLEM, batch=2), 1)]
    found = start("wanders").time_sequence(layers, 5.0, 1, None, PATIENCE_S)
    assert len(found.alone_s) == len(found.sequence_s) > 0
    for name, status in (("hangs-in-c", "timed-out"), ("exits", "crashed"), ("divides-by-zero", "failed")):
        with pytest.raises(Ended, match="time_sequence") as caught:
            start(name).time_sequence(layers, 5.0, 1, None, 3.0)
        assert caught.value.status == status
    lying = start("wanders")
    monkeypatch.setattr(lying, "_ask", lambda *_: found.written() | {"sequence_s": [0.0]})
    with pytest.raises(Ended, match="wrote to the harness's channel"):
        lying.time_sequence(layers, 5.0, 1, None, PATIENCE_S)
    assert processes_of(lying) == []


def test_a_dead_worker_stays_dead_and_says_so_at_once(start: Start, cases: SharedCases) -> None:
    worker = start("exits")
    for _ in range(3):
        with pytest.raises(Ended) as caught:
            worker.set_up(cases, PATIENCE_S)
        assert caught.value.status == "crashed"
        assert "left with exit code 3" in caught.value.reason


def test_the_last_line_of_an_earlier_start_is_not_a_later_ones(start: Start, cases: SharedCases, log: Path) -> None:
    log.write_text("what(): std::bad_alloc\n")
    with pytest.raises(Ended) as caught:
        start("exits").set_up(cases, PATIENCE_S)
    assert caught.value.status == "crashed"
    assert caught.value.reason == "set_up: left with exit code 3"


def test_a_worker_cannot_lift_its_limits(start: Start, small_limits: None) -> None:
    worker = start("wanders")
    lines = {
        line[:26].strip(): line[26:].split() for line in Path(f"/proc/{worker.pid}/limits").read_text().splitlines()
    }
    assert lines["Max data size"][:2] == [str(2**30)] * 2
    assert lines["Max file size"][:2] == [str(2**25)] * 2
    assert lines["Max core file size"][:2] == ["0"] * 2
    assert lines["Max address space"][0] == "unlimited"


def test_a_worker_may_use_half_of_what_is_free(start: Start) -> None:
    free = psutil.virtual_memory().available
    worker = start("wanders")
    (line,) = [line for line in Path(f"/proc/{worker.pid}/limits").read_text().splitlines() if "Max data" in line]
    assert int(line[26:].split()[0]) == pytest.approx(free / 2, rel=0.2)


def test_replacing_the_clock_of_the_process_changes_nothing(start: Start, cases: SharedCases) -> None:
    """``sets-the-clock`` halves the speed of the clock that others ask, and each of its calls takes 5 ms."""
    worker = start("sets-the-clock")
    worker.set_up(cases, PATIENCE_S)
    turn = worker.turn(10, 0.0, None, PATIENCE_S)
    assert turn.wall_s >= 0.05
    assert 0.0 < turn.apart_s < PATIENCE_S  # by the harness's clock; the worker itself says 0


def test_killing_twice_is_safe(start: Start) -> None:
    worker = start("divides-by-zero")
    worker.kill()
    worker.kill()
    assert is_gone(worker.pid)


# --- what a plugin may do without harm ----------------------------------------------------------------------------


def test_megabytes_of_output_land_in_the_log_and_block_nobody(
    start: Start, cases: SharedCases, log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = start("babbles")
    worker.set_up(cases, PATIENCE_S)
    assert log.stat().st_size > 5_000_000
    assert "last words" in log.read_text()
    assert capfd.readouterr() == ("", "")


def test_a_plugin_that_changes_directory_is_timed_like_any_other(start: Start, cases: SharedCases) -> None:
    here = Path.cwd()
    worker = start("wanders")
    worker.set_up(cases, PATIENCE_S)
    assert worker.turn(3, 0.0, None, PATIENCE_S).seconds_per_call > 0
    assert worker.finish(PATIENCE_S).error_ratio is not None
    assert Path.cwd() == here


def test_a_child_that_ran_away_is_stopped_and_killed_too(start: Start, cases: SharedCases) -> None:
    worker = start("escapes")
    (child,) = set(processes_of(worker)) - {worker.pid}
    assert os.getsid(child) != worker.pid
    assert becomes_true(lambda: fields_of_stat(child)[0] == "T")
    worker.kill()
    assert becomes_true(lambda: is_gone(child))


def test_a_child_that_runs_away_in_a_turn_is_stopped_behind_it(start: Start, cases: SharedCases) -> None:
    worker = start("escapes-in-a-turn")
    worker.set_up(cases, PATIENCE_S)
    assert processes_of(worker) == [worker.pid]
    worker.turn(3, 0.0, None, PATIENCE_S)
    (child,) = set(processes_of(worker)) - {worker.pid}
    assert becomes_true(lambda: fields_of_stat(child)[0] == "T")
    worker.kill()
    assert becomes_true(lambda: is_gone(child))


def test_a_program_of_which_nothing_says_whose_it_is_is_stopped_and_killed_too(
    start: Start, cases: SharedCases
) -> None:
    worker = start("runs-a-program")
    worker.set_up(cases, PATIENCE_S)
    programs = set(processes_of(worker)) - {worker.pid}
    assert programs
    assert becomes_true(lambda: all(Path(f"/proc/{each}/environ").read_bytes() == b"" for each in programs))
    assert becomes_true(lambda: {fields_of_stat(each)[0] for each in programs} == {"T"})
    worker.kill()
    assert becomes_true(lambda: all(map(is_gone, programs)))


def test_a_child_of_a_plugin_is_stopped_and_killed_with_it(start: Start, cases: SharedCases) -> None:
    worker = start("forks")
    (child,) = psutil.Process(worker.pid).children()
    worker.set_up(cases, PATIENCE_S)
    assert becomes_true(lambda: fields_of_stat(child.pid)[0] == "T")
    worker.kill()
    assert becomes_true(lambda: is_gone(child.pid))


# --- stopped while it waits ---------------------------------------------------------------------------------------


def test_a_worker_is_stopped_whenever_it_has_answered(start: Start, cases: SharedCases) -> None:
    worker = start("wanders", by_itself=True)
    states = [fields_of_stat(worker.pid)[0]]
    worker.set_up(cases, PATIENCE_S)
    states.append(fields_of_stat(worker.pid)[0])
    for _ in range(20):
        worker.turn(1, 0.0, None, PATIENCE_S)
        states.append(fields_of_stat(worker.pid)[0])
    assert states == ["T"] * 22


def test_a_worker_is_stopped_after_an_exception_too(start: Start, cases: SharedCases) -> None:
    worker = start("divides-by-zero")
    with pytest.raises(Ended):
        worker.set_up(cases, PATIENCE_S)
    assert fields_of_stat(worker.pid)[0] == "T"


def test_threads_that_spin_use_no_processor_while_others_have_their_turn(start: Start, cases: SharedCases) -> None:
    worker = start("spins")
    before = cpu_ticks(worker.pid)
    time.sleep(0.5)
    assert cpu_ticks(worker.pid) == before
    # The control: they do spin as soon as the process may run.
    os.kill(worker.pid, signal.SIGCONT)
    assert becomes_true(lambda: cpu_ticks(worker.pid) > before + 5)


@pytest.fixture
def crowded_core() -> Iterator[int]:
    """A core on which three other programs never rest, so that nobody gets a half of it."""
    core = min(os.sched_getaffinity(0))
    statement = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    others = [subprocess.Popen([sys.executable, "-c", statement]) for _ in range(3)]
    yield core
    for each in others:
        each.kill()
        each.wait()


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the system does not tell how long threads wait")
@pytest.mark.parametrize(("backend", "asks_for"), [("spins", 1.0), ("babbles", 0.0)])
def test_what_threads_ask_for_is_told_and_not_what_others_leave_them(
    start: Start, cases: SharedCases, crowded_core: int, backend: str, asks_for: float
) -> None:
    worker = start(backend)
    worker.set_up(cases, PATIENCE_S)
    worker.turn(1, 0.0, [crowded_core], PATIENCE_S)
    assert worker.idle(0.1, PATIENCE_S) == pytest.approx(asks_for, abs=0.25)


# --- the parent's death -------------------------------------------------------------------------------------------

ORPHANING = """
import os, signal, sys
from pathlib import Path
from pointwise_bench.backends import Source
from pointwise_bench.suites.harness.worker.client import WorkerClient

if __name__ == "__main__":
    worker = WorkerClient("spins", Source("plugin", sys.argv[1]), 1, Path(sys.argv[2]))
    if sys.argv[3] == "stopped":
        worker.missing(30.0)
    print(worker.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process's life to its parent's")
@pytest.mark.parametrize("moment", ["starting", "stopped"])
def test_a_worker_dies_with_a_parent_that_is_killed(moment: str, log: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ORPHANING, str(PLUGIN), str(log), moment],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    try:
        assert becomes_true(lambda: is_gone(pid)), fields_of_stat(pid)
    finally:
        if not is_gone(pid):
            os.kill(pid, signal.SIGKILL)
