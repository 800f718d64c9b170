"""Worker processes: what a plugin can do to its own, what comes of it, and that it is stopped while it waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from backends import Problem, Source
from suites.harness.examination import Examination
from suites.harness.host import SharedExamination
from suites.harness.outcome import Ended
from suites.harness.worker import Worker

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of processes in /proc")

ROOT = Path(__file__).parent.parent
PLUGIN = Path(__file__).parent / "plugins" / "misbehaving.py"
PROBLEM = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
PATIENCE_S = 30.0

Start = Callable[[str], Worker]


@pytest.fixture(scope="module")
def question() -> Iterator[SharedExamination]:
    shared = SharedExamination(PROBLEM, Examination.of(PROBLEM, seed=1))
    yield shared
    shared.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def start(log: Path) -> Iterator[Start]:
    """Starts a worker for one of the misbehaving backends, and ends it after the test."""
    workers: list[Worker] = []

    def start(name: str) -> Worker:
        workers.append(Worker(name, Source("plugin", str(PLUGIN)), threads=1, log=log))
        assert workers[-1].missing(PATIENCE_S) is None
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


def pid_of(worker: Worker) -> int:
    return worker._process.pid


def fields_of_stat(pid: int) -> list[str]:
    """What /proc tells after the name, which may hold spaces; the state comes first. See proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_gone(pid: int) -> bool:
    """Whether the process ended, waited for or not."""
    try:
        return fields_of_stat(pid)[0] in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return True


def becomes_true(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def cpu_ticks(pid: int) -> int:
    fields = fields_of_stat(pid)
    return int(fields[11]) + int(fields[12])  # user and system time


# --- how a part can end -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("segfaults", "examine: killed by SIGSEGV; it last wrote: Fatal Python error: Segmentation fault"),
        ("aborts", "examine: killed by SIGABRT; it last wrote: Fatal Python error: Aborted"),
        ("exits", "examine: left with exit code 3"),
        ("forks-and-exits", "examine: left with exit code 3"),
    ],
)
def test_a_process_that_dies_is_crashed_with_the_cause_of_its_death(
    start: Start, question: SharedExamination, name: str, words: str
) -> None:
    worker = start(name)
    with pytest.raises(Ended) as caught:
        worker.examine(question, PATIENCE_S / 5)
    assert caught.value.status == "crashed"
    assert words in caught.value.reason
    assert not caught.value.alive
    assert is_gone(pid_of(worker))


@pytest.mark.parametrize("name", ["hangs-in-python", "hangs-in-c"])
def test_a_process_that_hangs_is_killed_and_timed_out(start: Start, question: SharedExamination, name: str) -> None:
    worker = start(name)
    with pytest.raises(Ended) as caught:
        worker.examine(question, 0.5)
    assert caught.value.status == "timed-out"
    assert caught.value.reason == "examine: no answer within 0.5 s"
    assert not caught.value.alive
    assert is_gone(pid_of(worker))


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("raises-system-exit", "failed", "examine: SystemExit: 7 (misbehaving.py:"),
        ("raises-keyboard-interrupt", "failed", "examine: KeyboardInterrupt: no message (misbehaving.py:"),
        ("runs-out-of-memory", "out-of-memory", "examine: MemoryError: Unable to allocate"),
        ("divides-by-zero", "failed", "examine: ZeroDivisionError: division by zero (misbehaving.py:"),
    ],
)
def test_an_exception_of_any_kind_ends_the_cell_and_not_the_process(
    start: Start, question: SharedExamination, name: str, status: str, words: str
) -> None:
    worker = start(name)
    with pytest.raises(Ended) as caught:
        worker.examine(question, PATIENCE_S)
    assert caught.value.status == status
    assert words in caught.value.reason
    assert caught.value.alive
    assert worker.refuses(PROBLEM, PATIENCE_S) is None


def test_a_dead_worker_stays_dead_and_says_so_at_once(start: Start, question: SharedExamination) -> None:
    worker = start("exits")
    for _ in range(2):
        with pytest.raises(Ended) as caught:
            worker.examine(question, PATIENCE_S)
        assert caught.value.status == "crashed"


def test_killing_twice_is_safe(start: Start) -> None:
    worker = start("divides-by-zero")
    worker.kill()
    worker.kill()
    assert is_gone(pid_of(worker))


# --- what a plugin may do without harm ----------------------------------------------------------------------------


def test_megabytes_of_output_land_in_the_log_and_block_nobody(
    start: Start, question: SharedExamination, log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = start("babbles")
    worker.examine(question, PATIENCE_S)
    assert log.stat().st_size > 5_000_000
    assert "last words" in log.read_text()
    assert capfd.readouterr() == ("", "")


def test_a_plugin_that_changes_directory_is_timed_like_any_other(start: Start, question: SharedExamination) -> None:
    here = Path.cwd()
    worker = start("wanders")
    worker.examine(question, PATIENCE_S)
    assert worker.turn(3, 0.0, PATIENCE_S).seconds_per_call > 0
    assert worker.conclude(PATIENCE_S).error_ratio is not None
    assert Path.cwd() == here


def test_a_child_of_a_plugin_is_stopped_and_killed_with_it(start: Start, question: SharedExamination) -> None:
    worker = start("forks")
    (child,) = psutil.Process(pid_of(worker)).children()
    worker.examine(question, PATIENCE_S)
    assert becomes_true(lambda: fields_of_stat(child.pid)[0] == "T")
    worker.kill()
    assert becomes_true(lambda: is_gone(child.pid))


# --- stopped while it waits ---------------------------------------------------------------------------------------


def test_a_worker_is_stopped_whenever_it_has_answered(start: Start, question: SharedExamination) -> None:
    worker = start("wanders")
    states = [fields_of_stat(pid_of(worker))[0]]
    worker.examine(question, PATIENCE_S)
    states.append(fields_of_stat(pid_of(worker))[0])
    for _ in range(20):
        worker.turn(1, 0.0, PATIENCE_S)
        states.append(fields_of_stat(pid_of(worker))[0])
    assert states == ["T"] * 22


def test_a_worker_is_stopped_after_an_exception_too(start: Start, question: SharedExamination) -> None:
    worker = start("divides-by-zero")
    with pytest.raises(Ended):
        worker.examine(question, PATIENCE_S)
    assert fields_of_stat(pid_of(worker))[0] == "T"


def test_threads_that_spin_use_no_processor_while_others_have_their_turn(
    start: Start, question: SharedExamination
) -> None:
    worker = start("spins")
    before = cpu_ticks(pid_of(worker))
    time.sleep(0.5)
    assert cpu_ticks(pid_of(worker)) == before
    # The control: they do spin as soon as the process may run.
    os.kill(pid_of(worker), signal.SIGCONT)
    assert becomes_true(lambda: cpu_ticks(pid_of(worker)) > before + 5)


# --- the parent's death -------------------------------------------------------------------------------------------

ORPHANING = """
import os, signal, sys
from pathlib import Path
from backends import Source
from suites.harness.worker import Worker

if __name__ == "__main__":
    worker = Worker("spins", Source("plugin", sys.argv[1]), 1, Path(sys.argv[2]))
    if sys.argv[3] == "stopped":
        worker.missing(30.0)
    print(worker._process.pid, flush=True)
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
