"""Runs that git keeps are told from those that stay on the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.record import tracked_runs
from pointwise_bench.suites.harness.record.tracked_runs import is_tracked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a run in a repository that keeps nothing yet."""
    folder = tmp_path / "results" / "a-machine" / "a-time"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    git(tmp_path, "init", "-q")
    return folder


def git(folder: Path, *words: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "-C", str(folder), *words], check=True, env=kept)


def test_a_run_is_tracked_once_a_file_of_it_is(folder: Path) -> None:
    assert not is_tracked(folder)
    git(folder, "add", "-f", "run.json")
    assert is_tracked(folder)


def test_another_run_beside_it_is_not(folder: Path) -> None:
    git(folder, "add", "-f", "run.json")
    other = folder.with_name("another-time")
    other.mkdir()
    (other / "run.json").write_text("{}")
    assert not is_tracked(other)


def test_a_hook_of_another_repository_does_not_mislead_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(folder, "add", "-f", "run.json")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert is_tracked(folder)


def test_without_a_repository_or_git_nothing_is(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_tracked(tmp_path / "absent")
    git(folder, "add", "-f", "run.json")
    monkeypatch.setattr(tracked_runs, "LONGEST_ANSWER_S", 0.0)
    assert not is_tracked(folder)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not is_tracked(folder)
