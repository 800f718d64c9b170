"""The harness's side of the watchdog: marks, what it is told, and a new one where it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from child_processes import SLEEPS, is_gone, program

from pointwise_bench.suites.harness.worker import watchdog as watchdog_module
from pointwise_bench.suites.harness.worker.marked_processes import VARIABLE
from pointwise_bench.suites.harness.worker.watchdog import Watchdog, the_watchdog

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    made = Watchdog()
    yield made
    made.close()


def process_of(watchdog: Watchdog) -> subprocess.Popen[bytes]:
    assert watchdog._process is not None
    return watchdog._process


def test_marks_of_one_run_begin_alike_and_none_is_the_beginning_of_another(watchdog: Watchdog) -> None:
    marks = [watchdog.mark() for _ in range(12)]
    run = marks[0].partition("/")[0]
    assert run.startswith(f"{os.getpid()}-")
    assert marks == [f"{run}/{number}/" for number in range(12)]
    assert not any(one != other and other.startswith(one) for one in marks for other in marks)
    other = Watchdog()
    assert other._run != watchdog._run  # of one process that starts two runs
    assert other._process is None  # it is started with the first mark


def test_closing_it_kills_the_groups_that_it_still_watches(watchdog: Watchdog) -> None:
    with program(SLEEPS) as (watched, _), program(SLEEPS) as (forgotten, _):
        for process in (watched, forgotten):
            watchdog.watch(process.pid)
        watchdog.forget(forgotten.pid)
        watchdog.close()
        watchdog.close()
        assert watched.wait(timeout=5) == -signal.SIGKILL
        assert not is_gone(forgotten.pid)


def test_one_that_was_killed_is_replaced_and_the_new_one_knows_every_group(watchdog: Watchdog) -> None:
    with program(SLEEPS) as (first, _), program(SLEEPS) as (second, _):
        watchdog.watch(first.pid)
        before = process_of(watchdog)
        before.kill()
        before.wait()
        watchdog.watch(second.pid)
        assert process_of(watchdog).pid != before.pid
        watchdog.close()
        assert first.wait(timeout=5) == second.wait(timeout=5) == -signal.SIGKILL


def test_closing_it_deletes_the_folders_that_it_still_owns_also_where_it_was_replaced(
    watchdog: Watchdog, tmp_path: Path
) -> None:
    owned, disowned = tmp_path / "owned", tmp_path / "disowned"
    for folder in (owned, disowned):
        folder.mkdir()
        watchdog.own(folder)
    before = process_of(watchdog)
    before.kill()
    before.wait()
    watchdog.disown(disowned)
    watchdog.close()
    assert not owned.exists()
    assert disowned.is_dir()


def test_it_ends_whoever_carries_a_mark_of_its_run(watchdog: Watchdog) -> None:
    with program(SLEEPS, **{VARIABLE: watchdog.mark()}) as (marked, _):
        watchdog.close()
        assert marked.wait(timeout=5) == -signal.SIGKILL


def test_one_that_does_not_end_is_not_waited_for_long(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog_module, "ENDING_S", 0.05)
    watchdog.mark()
    process = process_of(watchdog)
    process.send_signal(signal.SIGSTOP)
    try:
        watchdog.close()
        assert watchdog._process is None
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def test_a_process_has_one() -> None:
    assert the_watchdog() is the_watchdog()
