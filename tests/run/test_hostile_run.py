"""Whole runs with plugins that do all that a plugin can do: each ends with its status, and no other is disturbed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from expected_ends import AT_WORK, BEFORE_WORK, HARMLESS
from places import PLUGINS, ROOT
from suite_command import CHEAP, SMALL, only_run, read_cells, read_run, suite_command, suite_environment

from pointwise_bench.suites.harness.worker import marked_processes, reaper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

CORRECT_BACKENDS = (CHEAP, "naive-loops")
TIMEOUT_S = 8.0  # for the correct backends, too, on a busy machine
PATIENCE_S = 400.0

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


@dataclass
class Finished:
    """A run that is over: what it printed, where its results are, and what it left."""

    output: str
    results: Path
    left: list[int]
    new_files: set[Path]

    def cell(self, backend: str) -> dict[str, Any]:
        """The one cell of a backend."""
        (cell,) = [cell for cell in read_cells(self.results) if cell["backend"] == backend]
        return cell


def watchdogs_of(pid: int) -> list[int]:
    """Living watchdogs of the harness ``pid``, whose run they are told as their last argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if reaper.__file__.encode() in arguments and arguments[-2].startswith(f"{pid}-".encode()):
            found.append(int(path.parent.name))
    return found


def files_of_the_project() -> set[Path]:
    """All that a plugin could litter, less what Python and the tools keep there."""
    ignored = {".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".tox"}
    return {path for path in ROOT.rglob("*") if not ignored & set(path.parts)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """All of them at once, on one problem."""
    folder = tmp_path_factory.mktemp("hostile")
    plugins = [PLUGINS / "misbehaving.py"]
    for name, (statement, _, _) in AT_IMPORT.items():
        plugins.append(folder / f"{name.replace('-', '_')}.py")
        plugins[-1].write_text(CORRECT.format(first=statement, name=name))
    names = [*CORRECT_BACKENDS, *HARMLESS, *AT_WORK, *BEFORE_WORK, *AT_IMPORT]
    before = files_of_the_project()
    process = subprocess.Popen(
        suite_command(
            folder / "results",
            *("--threads", "1", "-p", "quick_ceilings", "-p", "small_limits", "--shapes", SMALL),
            *("--timeout", f"{TIMEOUT_S}s"),
            *(f"--plugin={plugin}" for plugin in plugins),
            *(f"--backend={name}" for name in names),
        ),
        cwd=ROOT,
        env=suite_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    time.sleep(0.1)  # what was killed may still be on its way
    left = marked_processes.carrying(f"{process.pid}-") + watchdogs_of(process.pid)
    return Finished(output, folder / "results", left, files_of_the_project() - before)


@pytest.mark.parametrize("name", CORRECT_BACKENDS)
def test_correct_backends_are_not_disturbed(finished: Finished, name: str) -> None:
    cell = finished.cell(name)
    assert (cell["status"], cell["reason"]) == ("ok", "")
    assert set(cell["process"]) <= set(range(6))  # a start for each pass and no other
    assert len(cell["samples_s"]) >= 5


@pytest.mark.parametrize("name", sorted({*HARMLESS} - {"spins"}))
def test_what_harms_nobody_is_measured(finished: Finished, name: str) -> None:
    cell = finished.cell(name)
    assert (cell["status"], cell["reason"]) == ("ok", "")


def test_one_that_spins_is_beyond_its_budget_or_never_rests(finished: Finished) -> None:
    """Which of the two depends on what else runs; either way it gets no time, and a reason that names threads."""
    cell = finished.cell("spins")
    assert cell["samples_s"] == []
    found = cell["status"], re.search("CPU seconds per second on a budget|threads of its own", cell["reason"])
    assert found[0] in ("failed", "wrong"), cell["reason"]
    assert found[1], cell["reason"]


@pytest.mark.parametrize("name", [*AT_WORK, *BEFORE_WORK])
def test_every_other_end_is_typed_and_has_its_reason(finished: Finished, name: str) -> None:
    status, words = (AT_WORK | BEFORE_WORK)[name]
    cell = finished.cell(name)
    assert cell["status"] == status, cell["reason"]
    assert words in cell["reason"]
    assert "\n" not in cell["reason"]
    assert cell["samples_s"] == []


@pytest.mark.parametrize("name", AT_IMPORT)
def test_a_plugin_can_do_at_import_what_it_likes(finished: Finished, name: str) -> None:
    _, status, words = AT_IMPORT[name]
    cell = finished.cell(name)
    assert cell["status"] == status, cell["reason"]
    assert words in cell["reason"]


def test_the_run_is_finished_and_says_what_came_out(finished: Finished) -> None:
    assert read_run(finished.results)["finished_at"], finished.output[-3000:]
    assert "Traceback" not in finished.output
    assert "= pointwise-bench =" in finished.output


def test_nothing_is_left_but_the_results(finished: Finished) -> None:
    assert finished.left == []
    assert finished.new_files == set()
    assert {path.name for path in only_run(finished.results).iterdir()} == {"run.json", "cells.jsonl", "workers"}


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
        env=suite_environment(),
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


def becomes_true(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
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
