"""``pointwise-bench report``: of this machine's newest run, and nothing is written into one that git keeps."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from make_run import write_run

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.reporting import main
from pointwise_bench.suites.harness.machine import environment

TIME = "2026-01-02T03-04-05Z"


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


def test_a_run_that_git_keeps_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "results", [], TIME)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    assert main([str(folder)]) == 0
    assert not (folder / "report").exists()
    assert capsys.readouterr().out.startswith(str(tmp_path / "results" / "reports"))
