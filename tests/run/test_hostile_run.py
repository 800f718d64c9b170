"""A run with plugins that do at import, or beside correct work, what a plugin can do; and the harness's own end.

Those that end badly are in a run of their own, ``test_hostile_ends.py``.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from expected_ends import HARMLESS_IN_A_RUN
from hostile_run import CORRECT_BACKENDS, Finished, hostile_run, watchdogs_of
from places import PLUGINS, ROOT
from suite_command import suite_environment

from pointwise_bench.suites.harness.worker import marked_processes, reaper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

CORRECT = """
import ctypes, os, signal, sys, threading, time
from pointwise_bench import Backend, register

{first}

@register
class Correct(Backend):
    name = "{name}"

    def prepare(self, problem, weight, bias, threads):
        import numpy as np
        return lambda x: np.matmul(weight, x.reshape(1, problem.in_channels, -1)).reshape(problem.output_shape)
"""

# What a module does when it is imported, and what comes of it: a status, and words of the reason.
AT_IMPORT = {
    "segfaults-at-import": ("ctypes.string_at(0)", "unavailable", "failed to load: import: killed by SIGSEGV"),
    "leaves-at-import": ("os._exit(0)", "unavailable", "failed to load: import: left with exit code 0"),
    "exits-at-import": ("sys.exit(3)", "unavailable", "failed to load: SystemExit: 3"),
    "interrupts-at-import": ("raise KeyboardInterrupt", "unavailable", "failed to load: KeyboardInterrupt"),
    "hangs-at-import": ("time.sleep(1000)", "unavailable", "failed to load: import: no answer within 5 s"),
    "forks-at-import": ("if os.fork() == 0: time.sleep(1000)", "ok", ""),
    "babbles-at-import": ("print('blah' * 10**6)", "ok", ""),
    "wanders-at-import": (
        "os.chdir('/'); os.environ.clear(); signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path.clear(); os.nice(5)",
        "ok",
        "",
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """All of them at once, on one problem."""
    folder = tmp_path_factory.mktemp("hostile")
    plugins = []
    for name, (statement, _, _) in AT_IMPORT.items():
        plugins.append(folder / f"{name.replace('-', '_')}.py")
        plugins[-1].write_text(CORRECT.format(first=statement, name=name))
    return hostile_run(folder, [*HARMLESS_IN_A_RUN, *AT_IMPORT], plugins)


@pytest.mark.parametrize("name", CORRECT_BACKENDS)
def test_correct_backends_are_not_disturbed(finished: Finished, name: str) -> None:
    finished.assert_correct_backend_is_undisturbed(name)


@pytest.mark.parametrize("name", sorted({*HARMLESS_IN_A_RUN} - {"spins", "escapes-in-a-turn"}))
def test_what_harms_nobody_is_measured(finished: Finished, name: str) -> None:
    cell = finished.cell(name)
    assert (cell["status"], cell["reason"]) == ("ok", "")


def test_one_that_spins_is_beyond_its_budget_or_never_rests(finished: Finished) -> None:
    """Which of the two depends on what else runs; either way it gets no time, and a reason that names threads.

    On a machine that is busy its own threads may leave it no time to answer.
    """
    cell = finished.cell("spins")
    assert cell["samples_s"] == []
    reasons = {
        "failed": "CPU seconds per second on a budget|threads of its own",
        "wrong": "CPU seconds per second on a budget|threads of its own",
        "timed-out": "no answer within",
    }
    assert cell["status"] in reasons, cell["reason"]
    assert re.search(reasons[cell["status"]], cell["reason"]), cell["reason"]


def test_one_whose_child_spins_in_a_turn_is_measured_or_beyond_its_budget(finished: Finished) -> None:
    """The child is stopped behind the turn in which it began, and counts in what it used until then."""
    cell = finished.cell("escapes-in-a-turn")
    if cell["status"] == "ok":
        assert cell["samples_s"]
        return
    assert cell["status"] == "failed"
    assert "CPU seconds per second on a budget" in cell["reason"]
    assert cell["samples_s"] == []


@pytest.mark.parametrize("name", AT_IMPORT)
def test_a_plugin_can_do_at_import_what_it_likes(finished: Finished, name: str) -> None:
    _, status, words = AT_IMPORT[name]
    cell = finished.cell(name)
    assert cell["status"] == status, cell["reason"]
    assert words in cell["reason"]


def test_the_run_is_finished_and_says_what_came_out(finished: Finished) -> None:
    finished.assert_finished_and_reported()


def test_nothing_is_left_but_the_results(finished: Finished) -> None:
    finished.assert_nothing_is_left_but_the_results()


# --- the harness's own end ----------------------------------------------------------------------------------------

HARNESS = """
import os, sys, time
from pathlib import Path
from pointwise_bench.backends import Source
from pointwise_bench.suites.harness.worker.client import WorkerClient

if __name__ == "__main__":
    plugin, folder, *names = sys.argv[1:]
    workers = [WorkerClient(name, Source("plugin", plugin), 1, Path(folder) / name) for name in names]
    for worker in workers:
        worker.missing(60.0)
    print("started", flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A harness with stopped workers, of which some have children, and some have children that ran away."""
    process = subprocess.Popen(
        [sys.executable, "-c", HARNESS, str(PLUGINS / "misbehaving.py"), str(tmp_path), "forks", "escapes", "spins"],
        cwd=ROOT,
        env=suite_environment() | {"TMPDIR": str(tmp_path)},  # where the watchdog is killed nobody deletes its folders
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def becomes_true(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_nothing_outlives_a_harness_that_is_killed(harness: subprocess.Popen[str]) -> None:
    mark = f"{harness.pid}-"
    assert len(marked_processes.carrying(mark)) == 5  # three workers, a child, and one that ran away
    harness.kill()
    harness.wait()
    assert becomes_true(lambda: marked_processes.carrying(mark) == []), marked_processes.carrying(mark)
    assert becomes_true(lambda: watchdogs_of(harness.pid) == [])


def test_the_watchdog_ignores_what_a_terminal_sends_and_uses_no_processor(harness: subprocess.Popen[str]) -> None:
    (watchdog,) = watchdogs_of(harness.pid)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(watchdog, number)
    time.sleep(0.1)
    assert watchdogs_of(harness.pid) == [watchdog]
    fields = Path(f"/proc/{watchdog}/stat").read_text().rpartition(")")[2].split()
    assert int(fields[11]) + int(fields[12]) <= 20  # hundredths of a second, its start included
    assert os.getsid(watchdog) == watchdog


def test_the_harness_alone_can_end_the_watchdogs_input(harness: subprocess.Popen[str]) -> None:
    """A worker, or its child, that held the other end of the pipe would keep the watchdog from noticing."""
    (watchdog,) = watchdogs_of(harness.pid)
    pipe = Path(f"/proc/{watchdog}/fd/0").readlink()
    holders = {
        int(path.parent.parent.name)
        for pid in (harness.pid, *marked_processes.carrying(f"{harness.pid}-"))
        for path in Path(f"/proc/{pid}/fd").iterdir()
        if path.readlink() == pipe
    }
    assert holders == {harness.pid}


def test_without_a_watchdog_something_would_be_left(harness: subprocess.Popen[str]) -> None:
    """The control: what these tests wait for does not happen by itself."""
    mark = f"{harness.pid}-"
    (watchdog,) = watchdogs_of(harness.pid)
    os.kill(watchdog, signal.SIGKILL)
    harness.kill()
    harness.wait()
    time.sleep(0.5)
    left = marked_processes.carrying(mark)
    reaper.kill_marked(mark)
    assert len(left) == 2  # the children of workers, of which one ran away
    assert marked_processes.carrying(mark) == []
