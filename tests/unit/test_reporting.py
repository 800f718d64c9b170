"""``pointwise-bench report``: of this machine's newest run, and nothing is written into one that git keeps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from make_run import write_run
from places import ROOT
from suite_command import suite_environment

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.reporting import main
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.record import tracked_runs

TIME = "2026-01-02T03-04-05Z"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A run that git keeps."""
    folder = write_run(tmp_path / "results", [], TIME)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    return folder


def test_in_a_fresh_clone_nobody_elses_run_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, [], TIME)
    assert main(["--results", str(tmp_path)]) == USAGE_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert f"no run of this machine ({environment.machine()}); make one with" in line


def test_the_newest_of_this_machine_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = write_run(tmp_path, [], TIME, machine=environment.machine())
    write_run(tmp_path, [], "2026-01-03T03-04-05Z")
    assert main(["--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{own / 'report' / 'index.html'}\n"


def test_a_run_that_git_keeps_stays_as_it_is(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(recorded)]) == 0
    assert not (recorded / "report").exists()
    printed = capsys.readouterr()
    assert printed.out.startswith(str(recorded.parents[1] / "reports"))
    assert printed.err == ""


@pytest.mark.parametrize(
    "started",
    [["report"], ["pointwise_bench.report"], ["pointwise_bench", "report"]],
    ids=" ".join,
)
def test_it_stays_so_however_the_report_is_started(recorded: Path, started: list[str]) -> None:
    """As a module it had been told of no git, and had written into the run."""
    done = subprocess.run(
        [sys.executable, "-m", *started, str(recorded)],
        cwd=ROOT,
        env=suite_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (recorded / "report").exists()
    assert done.stdout.startswith(str(recorded.parents[1] / "reports"))


def test_where_git_does_not_say_it_the_run_is_only_read_and_that_is_said(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracked_runs, "LONGEST_ANSWER_S", 0.0)
    assert main([str(recorded)]) == 0
    assert not (recorded / "report").exists()
    said = "is only read, as git does not say whether it keeps it (no answer within 0 s)"
    assert capsys.readouterr().err == f"note: {recorded}: {said}\n"
