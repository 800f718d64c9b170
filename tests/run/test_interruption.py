"""Ctrl-C in the middle of a run, and --resume after it: nothing is lost, nothing is left, nothing runs twice."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from other_runs import key, wait_for, workers_of
from places import PLUGINS
from suite_command import CHEAP, PATIENCE_S, begun_suite, only_run, read_cells, read_run, run_suite

from pointwise_bench.common.formats import USAGE_ERROR

PROBLEMS = [f"n{batch}c8h4w4-o8" for batch in range(1, 6)]
BRIEF = ["-p", "brief_rounds"]
BACKENDS = (CHEAP, "unhurried")
ARGUMENTS = [
    *(*BRIEF, "--plugin", str(PLUGINS / "unhurried.py")),
    *(f"--backend={name}" for name in BACKENDS),
    *(f"--shapes={problem}" for problem in PROBLEMS),
]
INTERRUPTED = 2


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Results of a run after a Ctrl-C past its third cell, the cells then on disk, and what it printed."""
    results = tmp_path_factory.mktemp("interrupted") / "results"
    process = begun_suite(results, *ARGUMENTS)
    try:
        wait_for(lambda: len(workers_of(process.pid)) == 2)
        wait_for(lambda: any(path.read_text().count("\n") >= 3 for path in results.glob("*/*/cells.jsonl")))
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group, and so do we
        output, _ = process.communicate(timeout=60)
        assert process.returncode == INTERRUPTED, output
        wait_for(lambda: not workers_of(process.pid), seconds=30)
    finally:
        process.kill()
        process.wait()
    return results, (only_run(results) / "cells.jsonl").read_text(), output


def test_every_finished_cell_is_kept(interrupted: tuple[Path, str, str]) -> None:
    _, on_disk, _ = interrupted
    assert on_disk.endswith("\n")
    cells = [json.loads(line) for line in on_disk.splitlines()]
    assert 3 <= len(cells) < 2 * len(PROBLEMS)
    assert {cell["status"] for cell in cells} == {"ok"}


def test_it_says_that_the_run_is_unfinished_and_how_to_go_on(interrupted: tuple[Path, str, str]) -> None:
    results, _, output = interrupted
    assert f"run, unfinished (--resume goes on with it): {only_run(results)}" in output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--timeout", "31s"], ["timeout_s", "60.0", "31.0"]),
        (["--shapes", "n9c8h4w4-o8"], ["shapes", "n9c8h4w4-o8"]),
        (["--backend", "numba-parallel"], ["backends", "numba-parallel"]),
    ],
    ids=["timeout", "shapes", "backends"],
)
def test_resuming_with_another_option_is_refused_by_name(
    interrupted: tuple[Path, str, str], change: list[str], words: list[str]
) -> None:
    results, on_disk, _ = interrupted
    done = run_suite(results, *ARGUMENTS, *change, "--resume")
    assert done.returncode == USAGE_ERROR, done.stdout[-2000:]
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR: ")]
    assert [word for word in ("--resume", *words) if word not in line] == []
    assert (only_run(results) / "cells.jsonl").read_text() == on_disk
    assert "Traceback" not in done.stdout + done.stderr


def test_resuming_runs_exactly_what_is_missing_and_finishes(interrupted: tuple[Path, str, str]) -> None:
    results, on_disk, _ = interrupted
    path = only_run(results) / "cells.jsonl"
    path.write_text(on_disk + '{"backend": "torn')  # as a power failure would leave it
    done = run_suite(results, *ARGUMENTS, "--resume")
    assert done.returncode == 0, done.stdout[-2000:]
    assert f"{2 * len(PROBLEMS)} passed" in done.stdout
    assert path.read_text().startswith(on_disk)
    keys = [key(cell) for cell in read_cells(results)]
    assert sorted(keys) == sorted((name, problem, 1) for name in BACKENDS for problem in PROBLEMS)
    assert read_run(results)["finished_at"]
    assert read_run(results)["totals"]["cells"] == {"ok": 2 * len(PROBLEMS)}


def test_a_finished_run_is_not_resumed(interrupted: tuple[Path, str, str]) -> None:
    results, _, _ = interrupted
    done = run_suite(results, *ARGUMENTS, "--resume")
    assert done.returncode == USAGE_ERROR, done.stdout[-2000:]
    assert "no unfinished run" in done.stdout + done.stderr


def test_a_spent_time_budget_leaves_the_rest_to_a_resumed_run(tmp_path: Path) -> None:
    results = tmp_path / "results"
    arguments = ["-p", "single_start", "--backend", CHEAP, f"--shapes={PROBLEMS[0]}"]
    done = run_suite(results, *arguments, "--time-budget", "1ms", "-rs")
    assert done.returncode == 1, done.stdout[-2000:]
    assert "not measured: " in done.stdout
    assert "nothing was measured: the time budget of 0.001 s is spent; --resume goes on with it" in done.stdout
    assert read_run(results)["finished_at"] is None
    done = run_suite(results, *arguments, "--resume")
    assert done.returncode == 0, done.stdout[-2000:]
    assert [cell["status"] for cell in read_cells(results)] == ["ok"]
    assert read_run(results)["finished_at"]


def test_an_impatient_user_who_interrupts_again_and_again_sees_no_traceback(tmp_path: Path) -> None:
    shapes = (f"--shapes=n{batch}c8h4w4-o8" for batch in range(1, 9))
    process = begun_suite(tmp_path / "results", *("-p", "single_start", "--backend", CHEAP), *shapes)
    try:
        wait_for(lambda: any((tmp_path / "results").glob("*/*/checkpoint.jsonl")))
        while process.poll() is None:
            with suppress(ProcessLookupError):  # whoever forked it has waited for it since the look
                os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.02)
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 2, output[-2000:]
    assert "Traceback" not in output
    assert "run, unfinished (--resume goes on with it)" in output
    assert not (only_run(tmp_path / "results") / "measuring.lock").exists()


def test_one_that_comes_while_tests_are_collected_is_no_traceback(tmp_path: Path) -> None:
    """What pytest tells then of a collection that was not finished has placeholders among its tests."""
    hook = (
        "def pytest_collectreport(report):\n    if 'test_sweeps' in report.nodeid:\n        raise KeyboardInterrupt\n"
    )
    (tmp_path / "interrupting.py").write_text(hook)
    done = run_suite(tmp_path / "results", *ARGUMENTS, "-p", "interrupting", import_path=(tmp_path,))
    assert done.returncode == INTERRUPTED, done.stdout
    assert "INTERNALERROR" not in done.stdout
    assert not (tmp_path / "results").exists()
