"""The command line of publishing: yes, no, exit codes, and one line for bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, write_run
from report_folder import drawing

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.report.publishing import publication
from pointwise_bench.report.publishing.command import main
from pointwise_bench.report.reading import cells, run

PROBLEM = "n1c64h28w28-o128"


def test_a_run_is_told_yes_or_no_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write_run(tmp_path, [cell("a", PROBLEM, [1e-3] * 9)], "2026-01-02T03-04-05Z")
    bad = write_run(tmp_path, [], "2026-01-03T03-04-05Z")
    assert main(["--check", str(good)], lambda _: None) == 0
    none = tmp_path / "none"
    assert main(["--check", str(good), str(bad), str(none)], lambda _: None) == 1
    assert capsys.readouterr().out.splitlines() == [
        *([f"yes: {good}: schema, gate, ceilings, roofs, controls, rules hold"] * 2),
        f"no: {bad}: schema: it holds no cells",
        f"no: {none}: schema: {none}: no such run folder; runs are results/<machine>/<UTC time>",
    ]


def test_all_runs_under_the_results_are_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "results", [cell("a", PROBLEM, [1e-3] * 9)])
    words = ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "site")]
    with drawing(plots=False):
        assert main(words, lambda _: None) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'site' / 'index.html'}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--check"], "--check needs a RUN"), ([], "--out DIR"), (["--out", "x", "--results", "nowhere"], "holds no run")],
)
def test_bad_input_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words, lambda _: None) == USAGE_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pointwise-bench publish: ")
    assert said in line


def test_a_site_without_a_run_that_can_be_read_is_a_failure(tmp_path: Path) -> None:
    write_run(tmp_path / "results", [], format=99)
    assert main(["--results", str(tmp_path / "results"), "--out", str(tmp_path / "site")], lambda _: None) == 1


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_what_is_too_much_for_the_machine_is_one_line(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one reads it is that run's, which is left out; later it is the end."""
    good = write_run(tmp_path / "results", [cell("a", PROBLEM, [1e-3] * 9)])
    bad = write_run(tmp_path / "results", [cell("b", PROBLEM, [1e-3] * 9)], "2026-01-03T03-04-05Z")
    words = ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "site")]
    real = cells.read_cells

    def fails(path: Path) -> Any:
        if path.parent == bad:
            raise error
        return real(path)

    monkeypatch.setattr(run, "read_cells", fails)
    with drawing(plots=False):
        assert main(words, lambda _: None) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"left out: {bad}: ")
    assert main(["--check", str(good), str(bad)], lambda _: None) == 1
    assert f"no: {bad}: schema: {bad}: " in capsys.readouterr().out

    def ends(*_: object) -> Any:
        raise error

    monkeypatch.setattr(publication, "publish", ends)
    assert main(words, lambda _: None) == USAGE_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pointwise-bench publish: ")
