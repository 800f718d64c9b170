"""Faults that end a run, or must not: each is one clear line, the others' cells are whole, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_session import ForkedProcess
from other_runs import wait_for
from places import HELPERS, PLUGINS, ROOT
from suite_command import (
    CHEAP,
    PATIENCE_S,
    SMALL,
    WIDER,
    begun_suite,
    only_run,
    read_cells,
    read_run,
    run_suite,
    started_suite,
    suite_command,
    suite_environment,
)

from pointwise_bench.common.formats import USAGE_ERROR

BRIEF = ("-p", "single_start")
Begun = ForkedProcess | subprocess.Popen[str]
MINE = """
from pointwise_bench import Backend, register

@register
class Mine(Backend):
    name = "mine"

    def prepare(self, problem, weight, bias, threads):
        {prepare}

{then}
"""
WRONG = "import numpy as np; return lambda x: np.zeros(problem.output_shape, 'float32')"
RIGHT = "return lambda x: (weight @ x.reshape(problem.in_channels, -1)).reshape(problem.output_shape)"


def plugin(folder: Path, prepare: str, then: str = "") -> Path:
    path = folder / "mine.py"
    path.write_text(MINE.format(prepare=prepare, then=then))
    return path


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a session that did not begin."""
    assert done.returncode == USAGE_ERROR, done.stdout + done.stderr
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR: ")]
    return line


# --- two at once --------------------------------------------------------------------------------------------------


def for_minutes(tmp_path: Path) -> list[str]:
    """A run that leaves the processor to those beside it.

    Its plugin is a copy: pytest would take the conftest.py beside the original for the run's, and so another lock.
    """
    copied = shutil.copy(PLUGINS / "unhurried.py", tmp_path)
    layers = [f"--shapes=n{batch}c8h4w4-o8" for batch in range(1, 60)]
    return [*layers, "--plugin", str(copied), "--backend", "unhurried"]


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Begun]:
    """A run that is being measured, and will be for minutes."""
    process = begun_suite(tmp_path / "results", *for_minutes(tmp_path))
    try:
        wait_for(lambda: any((tmp_path / "results").glob("*/*/checkpoint.jsonl")))
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_run_is_refused_by_one_line_that_names_the_first_until_that_is_gone(
    tmp_path: Path, living: Begun
) -> None:
    other = tmp_path / "other"
    arguments = [*BRIEF, "--shapes", SMALL, "--backend", CHEAP]
    line = refusal(run_suite(other, *arguments))
    assert f"process {living.pid} (since " in line
    assert "is measuring on this machine" in line
    assert str(tmp_path / "results") in line
    assert not other.exists()
    # One that is compared with nobody may run.
    assert run_suite(other, *arguments, "--in-process").returncode == 0
    living.kill()
    living.wait()
    assert run_suite(tmp_path / "third", *arguments).returncode == 0


def test_a_run_that_is_being_measured_is_not_resumed_and_not_touched(
    tmp_path: Path, living: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a process to which the machine looks free, as in another container on the same disk."""
    monkeypatch.setenv("POINTWISE_BENCH_MACHINE_LOCK", str(tmp_path / "another.lock"))
    line = refusal(run_suite(tmp_path / "results", *for_minutes(tmp_path), "--resume"))
    assert f"{only_run(tmp_path / 'results')} is being measured by process {living.pid} " in line
    assert living.poll() is None
    living.kill()
    living.wait()
    assert (only_run(tmp_path / "results") / "measuring.lock").exists()
    done = run_suite(tmp_path / "results", *for_minutes(tmp_path), "--resume", "--time-budget", "1s")
    assert "resuming" in done.stdout


def test_what_git_keeps_is_not_resumed(tmp_path: Path) -> None:
    results = tmp_path / "results"
    arguments = [*BRIEF, "--shapes", SMALL, "--backend", CHEAP]
    run_suite(results, *arguments, "--time-budget", "1ms")
    assert read_run(results)["finished_at"] is None
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "add", "-f", str(only_run(results) / "run.json")], check=True)
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    line = refusal(run_suite(results, *arguments, "--resume"))
    assert line.endswith(f"no unfinished run of this machine in {results} but 1 that git keeps, which are not changed")
    assert {path: path.read_bytes() for path in results.rglob("*") if path.is_file()} == before


# --- how it ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (WRONG, "mine is wrong on 2 of 2: "),
        ("raise RuntimeError('no licence')", "mine, which was asked for by name, failed on all of 2: "),
    ],
)
def test_a_backend_that_was_asked_for_and_gives_nothing_makes_the_exit_code_1(
    prepare: str, sentence: str, tmp_path: Path
) -> None:
    arguments = ["--plugin", str(plugin(tmp_path, prepare)), "--shapes", SMALL, "--shapes", WIDER]
    done = run_suite(tmp_path / "results", *BRIEF, *arguments, "--backend", "mine", "--backend", CHEAP)
    assert done.returncode == 1, done.stdout[-2000:]
    assert f"\n{sentence}" in done.stdout
    assert "nothing was measured" not in done.stdout
    assert {cell["status"] for cell in read_cells(tmp_path / "results") if cell["backend"] == CHEAP} == {"ok"}
    assert read_run(tmp_path / "results")["finished_at"]


def test_a_run_without_a_single_time_makes_the_exit_code_1(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def broken(:")
    done = run_suite(tmp_path / "results", "--plugin", str(broken), "--backend", "broken", "--shapes", SMALL)
    assert done.returncode == 1, done.stdout[-2000:]
    assert "\nnothing was measured: broken is unavailable: failed to load: SyntaxError" in done.stdout
    assert "plugin not taken: broken.py: failed to load: SyntaxError: invalid syntax (broken.py, line 1)" in done.stdout


# --- what a plugin says of itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize("isolation", [[], ["--in-process"]], ids=["in a worker", "in this process"])
def test_a_name_that_is_changed_after_registering_is_the_registered_one(isolation: list[str], tmp_path: Path) -> None:
    """No file outside of the run, no markup, and the cell is there."""
    then = 'Mine.name = "../../escaped"\nMine.device = "<b>npu</b>"\nMine.output = "stale"\nMine.__doc__ = 5'
    arguments = ["--plugin", str(plugin(tmp_path, RIGHT, then)), "--backend", "mine", "--shapes", SMALL, *isolation]
    done = run_suite(tmp_path / "results", *BRIEF, *arguments)
    assert done.returncode == 0, done.stdout[-2000:]
    (cell,) = read_cells(tmp_path / "results")
    assert [cell[key] for key in ("backend", "device", "output", "status")] == ["mine", "cpu", "fresh", "ok"]
    assert not list(tmp_path.rglob("*escaped*"))


def test_names_that_break_the_rule_are_refused_when_they_are_registered(tmp_path: Path) -> None:
    names = ("../../escaped", "x" * 65, "x\\n\\x1b[31m", "a b", "Ä", "")
    arguments = []
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = plugin(folder, RIGHT)
        path.write_text(path.read_text().replace('"mine"', f'"{name}"'))
        arguments += ["--plugin", str(path)]
    done = run_suite(tmp_path / "results", *arguments, "--backend", CHEAP, "--shapes", SMALL, *BRIEF)
    assert done.returncode == 1, done.stdout[-2000:]
    told = [line for line in done.stdout.splitlines() if line.startswith("plugin not taken: ")]
    assert len(told) == len(names), told
    for line in told:
        assert re.match(r"plugin not taken: mine\.py: .*must be lower-case words joined by hyphens", line), line
    assert "\x1b" not in done.stdout
    assert [cell["status"] for cell in read_cells(tmp_path / "results")] == ["ok"]
    assert not list(tmp_path.rglob("*escaped*"))


# --- the machine's limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [[], ["--time-budget", "60s"]], ids=["full", "in a time"])
def test_a_layer_that_is_too_large_for_memory_costs_its_own_cells_only(tmp_path: Path, budget: list[str]) -> None:
    """On 6 GB of address space, as ``ulimit -v`` sets it; also when the run is resumed.

    A time budget had left the layer out for want of time, and no further budget would have reached it.
    """
    large = "n46341c1h46341w1-o1"
    arguments = ["--shapes", large, "--shapes", SMALL, "--backend", CHEAP, *BRIEF, *budget]

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (6 * 10**9, 6 * 10**9))

    for resumed in ([], ["--resume"]):
        process = started_suite(tmp_path / "results", *arguments, *resumed, before=limited)
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, output[-2000:]
        cells = {cell["problem"]: cell for cell in read_cells(tmp_path / "results")}
        assert cells[SMALL]["status"] == "ok"
        assert cells[large]["status"] == "unsupported"
        assert cells[large]["reason"].startswith("too large for the memory here: ")
        assert " GiB are free" in cells[large]["reason"]
        run = read_run(tmp_path / "results")
        assert run["finished_at"]
        _unfinish(tmp_path / "results", large)


def _unfinish(results: Path, problem: str) -> None:
    """As a run whose harness was killed for its memory would have left it."""
    folder = only_run(results)
    lines = (folder / "cells.jsonl").read_text().splitlines(keepends=True)
    (folder / "cells.jsonl").write_text("".join(line for line in lines if json.loads(line)["problem"] != problem))
    (folder / "run.json").write_text(json.dumps(read_run(results) | {"finished_at": None}))


def test_a_full_disk_is_one_line_with_how_to_go_on_and_what_was_recorded_is_kept(tmp_path: Path) -> None:
    """The largest file that this process may write stands for the disk, and is reached in the middle of the run."""
    layers = [f"--shapes=n{batch}c8h4w4-o8" for batch in range(1, 11)]  # the seventh is one too many
    arguments = [*BRIEF, *layers, "--backend", CHEAP]

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))  # run.json and a few lines

    process = started_suite(tmp_path / "results", *arguments, "-p", "wordy_checkpoint", before=limited)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, output[-3000:]
    told = [line for line in output.splitlines() if "cannot be written: File too large" in line]
    assert told, output[-3000:]
    assert all(line.count("make room, then --resume goes on with it") == 1 for line in told)
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    kept = (only_run(tmp_path / "results") / "checkpoint.jsonl").read_bytes()
    assert kept.endswith(b"\n")
    done = run_suite(tmp_path / "results", *arguments, "--resume")
    assert done.returncode == 0, done.stdout[-2000:]
    assert read_run(tmp_path / "results")["finished_at"]


def test_results_that_take_no_files_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    process = started_suite(tmp_path / "results", "--shapes", SMALL, "--backend", CHEAP, before=limited)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == USAGE_ERROR, output
    assert f"--results '{tmp_path / 'results'}': is not a folder that can be written to (File too large)" in output
    assert not (tmp_path / "results").exists()


def test_a_start_of_weeks_ago_spends_no_budget(tmp_path: Path) -> None:
    (tmp_path / "started_weeks_ago.py").write_text(
        "import psutil\n"
        "real = psutil.Process.create_time\n"
        "psutil.Process.create_time = lambda self: real(self) - 14 * 86400\n"
    )
    arguments = ["-p", "started_weeks_ago", *BRIEF, "--shapes", SMALL, "--backend", CHEAP, "--time-budget", "30s"]
    done = run_suite(tmp_path / "results", *arguments, import_path=(tmp_path,))
    assert done.returncode == 0, done.stdout[-2000:]
    assert [cell["status"] for cell in read_cells(tmp_path / "results")] == ["ok"]
    assert read_run(tmp_path / "results")["totals"]["wall_s"] < 60


# --- how pytest is started ----------------------------------------------------------------------------------------

WARNS = """
import pytest, warnings

def pytest_configure(config):
    config.issue_config_time_warning(pytest.PytestDeprecationWarning("the default will change"), stacklevel=2)
    warnings.warn("as a popular plugin does", DeprecationWarning)
"""


def _optimised(results: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = suite_command(results, "--threads", "1", "-p", "quick_ceilings", *arguments)
    return subprocess.run(
        [command[0], "-O", *command[1:]],
        cwd=ROOT,
        env=suite_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize("how", ["optimised", "not capturing", "without capture", "beside a plugin that warns"])
def test_a_run_is_measured_however_pytest_is_started(how: str, tmp_path: Path) -> None:
    (tmp_path / "warns.py").write_text(WARNS)
    more = {
        "not capturing": ["-s"],
        "without capture": ["-p", "no:capture"],
        "beside a plugin that warns": ["-p", "warns"],
    }
    arguments = [*BRIEF, *more.get(how, []), "--shapes", SMALL, "--backend", CHEAP]
    if how == "optimised":
        done = _optimised(tmp_path / "results", *arguments)
    else:
        done = run_suite(tmp_path / "results", *arguments, import_path=(tmp_path,))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert [cell["status"] for cell in read_cells(tmp_path / "results")] == ["ok"]
    assert "= pointwise-bench =" in done.stdout


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="the superuser may write anywhere")
def test_a_checkout_that_cannot_be_written_to_is_enough(tmp_path: Path) -> None:
    """A copy of this one. A superuser gives up the right to write where modes forbid it."""
    checkout, results = tmp_path / "checkout", tmp_path / "results"
    for name in ("src", "backends", "suites", "report"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, checkout / name, symlinks=True, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", checkout)
    subprocess.run(["chmod", "-R", "a-w", str(checkout)], check=True)
    obeying = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-all"] if os.geteuid() == 0 else []
    written = subprocess.run([*obeying, "touch", str(checkout / "suites" / "new")], capture_output=True, check=False)
    assert written.returncode != 0
    asked = ("--threads", "1", "-p", "quick_ceilings", "--shapes", SMALL, "--backend", CHEAP)
    own = {"PYTHONPATH": os.pathsep.join(map(str, (checkout / "src", HELPERS)))}
    done = subprocess.run(
        [*obeying, *suite_command(results, *BRIEF, *asked)],
        cwd=checkout,
        env=suite_environment() | own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    subprocess.run(["chmod", "-R", "u+w", str(checkout)], check=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert [cell["status"] for cell in read_cells(results)] == ["ok"]


# --- who listens --------------------------------------------------------------------------------------------------

MANY = [*BRIEF, *(f"--shapes=n{batch}c8h4w4-o8" for batch in range(1, 9)), "--backend", CHEAP]


def test_a_reader_that_goes_away_ends_the_run_with_one_line_and_it_can_be_resumed(tmp_path: Path) -> None:
    """As ``| head`` does."""
    command = suite_command(tmp_path / "results", "--threads", "1", "-p", "quick_ceilings", *MANY)
    process = subprocess.Popen(
        command, cwd=ROOT, env=suite_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert any(line.startswith("[pass 1/") for line in process.stdout)
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read().splitlines()
    process.stderr.close()
    assert process.wait(PATIENCE_S) == 1
    assert told == [
        "pointwise-bench: nobody reads the output any more; what was measured is kept, and --resume goes on with it"
    ]
    assert read_run(tmp_path / "results")["finished_at"] is None
    assert run_suite(tmp_path / "results", *MANY, "--resume").returncode == 0
