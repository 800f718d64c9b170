"""``compare --against``: a plugin and its other version in one run, from an empty folder; mistakes in one line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from forked_session import forked
from suite_command import PATIENCE_S, read_cells, read_run, suite_environment
from tiny_repository import PLUGIN, git, repository

LAYER = "n1c8h4w4-o8-nhwc"
OLD = PLUGIN.format(factor=1, second="second-in-tests")


def compare(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return forked(["tiny_comparison", *words], folder, suite_environment(), PATIENCE_S)


def test_both_versions_are_measured_in_the_same_rounds_and_a_lost_result_fails(tmp_path: Path) -> None:
    """The new second backend is called otherwise, and the new first one is wrong."""
    new = PLUGIN.format(factor=2, second="third-in-tests")
    top = repository(tmp_path / "repo", {"mine.py": OLD}, {"mine.py": new})
    empty = tmp_path / "empty"
    done = compare(
        empty,
        *("--against", "before", "--plugin", str(top / "mine.py"), "--shapes", LAYER, "--threads", "1"),
        *("--fail-on", "broken", "--summary", "s.md"),
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "note: third-in-tests is not in before, and is not measured" in done.stdout
    assert "note: second-in-tests-before is in before only, and is not measured" in done.stdout
    assert f"broken: first-in-tests, {LAYER}, 1 thread: ok before, wrong now" in done.stdout
    assert done.stdout.splitlines()[-1] == "--fail-on broken: 1 of 1"
    results = empty / "results" / "against"
    cells = {cell["backend"]: cell for cell in read_cells(results)}
    assert {name: cell["status"] for name, cell in cells.items()} == {
        "first-in-tests": "wrong",
        "first-in-tests-before": "ok",
    }
    commit = git(top, "rev-parse", "before")
    assert read_run(results)["against"] == [{"ref": "before", "commit": commit}]
    assert (empty / "s.md").read_text() == next(results.glob("*/*/against.md")).read_text()
    assert not list((empty / "results").glob("*/*/run.json")), "where wisdom and reports of all runs look"


def refused(folder: Path, *words: str) -> str:
    """The one line of a comparison that cannot be made."""
    done = compare(folder, *words, "--shapes", LAYER)
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_an_other_version_that_does_not_load_is_named_with_its_error(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"mine.py": "import no_such_package_anywhere"}, {"mine.py": OLD})
    line = refused(tmp_path / "empty", "--against", "before", "--plugin", str(top / "mine.py"))
    assert line.startswith("pointwise-bench compare --against before: mine.py of before (")
    assert "failed to load: ModuleNotFoundError: No module named 'no_such_package_anywhere' (mine.py:1)" in line


def test_other_mistakes_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    top = repository(tmp_path / "repo", {"other.py": ""}, {"mine.py": OLD})
    (tmp_path / "outside.py").write_text(OLD)
    empty = tmp_path / "empty"
    assert "has no commit 'nowhere'" in refused(empty, "--against", "nowhere", "--plugin", str(top / "mine.py"))
    assert "is in no git repository" in refused(empty, "--against", "x", "--plugin", str(tmp_path / "outside.py"))
    assert "before has none of first-in-tests" in refused(
        empty, "--against", "before", "--plugin", str(top / "mine.py")
    )
    assert "no such file" in refused(empty, "--against", "before", "--plugin", "nofile.py")
