"""Which version of the project a run says that it was made by, in checkouts, in others' repositories, and in none."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.machine import project_version as module
from pointwise_bench.suites.harness.machine.project_version import project_version
from pointwise_bench.suites.harness.record.tracked_runs import NOTHING_FETCHED

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here to make a checkout with")

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Runs git in a fresh repository, with a user and without the configuration of this machine."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]

    def run(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), *identity, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    run("init", "--quiet")
    return run


def checkout(git: Git, folder: Path) -> Path:
    """A repository that holds the package where this project has it, with everything committed; the package."""
    package = folder / "src" / "pointwise_bench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (folder / "suites").mkdir()
    (folder / "suites" / "clock.py").write_text("READ = True\n")
    git("add", "-A")
    git("commit", "--quiet", "-m", "a start")
    return package


@needs_git
def test_a_checkout_has_its_revision_and_is_clean(git: Git, tmp_path: Path) -> None:
    package = checkout(git, tmp_path)
    found = project_version(package)
    assert found == {"version": found["version"], "revision": git("rev-parse", "HEAD"), "clean": True}
    assert len(found["revision"]) == 40


@needs_git
def test_changed_code_is_not_clean_and_neither_is_new_code(git: Git, tmp_path: Path) -> None:
    package = checkout(git, tmp_path)
    clock = tmp_path / "suites" / "clock.py"
    clock.write_text("READ = False\n")
    assert project_version(package)["clean"] is False
    git("checkout", "--quiet", "--", "suites")
    assert project_version(package)["clean"] is True
    (tmp_path / "suites" / "new.py").write_text("")
    assert project_version(package)["clean"] is False


@needs_git
def test_results_and_documents_change_no_number(git: Git, tmp_path: Path) -> None:
    package = checkout(git, tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "run.json").write_text("{}")
    assert project_version(package)["clean"] is True


@needs_git
def test_a_repository_around_an_installed_package_is_not_ours(git: Git, tmp_path: Path) -> None:
    checkout(git, tmp_path)
    installed = tmp_path / ".venv" / "lib" / "site-packages" / "pointwise_bench"
    installed.mkdir(parents=True)
    found = project_version(installed)
    assert (found["revision"], found["clean"]) == (None, None)


@needs_git
def test_a_repository_without_a_commit_has_no_revision(git: Git, tmp_path: Path) -> None:
    package = tmp_path / "src" / "pointwise_bench"
    package.mkdir(parents=True)
    assert project_version(package)["revision"] is None


@needs_git
def test_what_a_hook_says_of_another_repository_does_not_mislead(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = checkout(git, tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert project_version(package)["revision"] is not None


def test_where_there_is_no_repository_only_the_version_is_known(tmp_path: Path) -> None:
    found = project_version(tmp_path)
    assert (found["revision"], found["clean"]) == (None, None)


@pytest.mark.parametrize("why", [FileNotFoundError("no git"), subprocess.TimeoutExpired("git", 5)])
def test_a_git_that_is_not_there_or_hangs_is_no_error(monkeypatch: pytest.MonkeyPatch, why: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise why

    monkeypatch.setattr(subprocess, "run", fail)
    found = project_version()
    assert (found["revision"], found["clean"]) == (None, None)


def test_a_package_that_is_not_installed_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DISTRIBUTION", "no-such-distribution")
    assert project_version(tmp_path)["version"] is None


def test_git_is_kept_from_fetching_what_a_strangers_repository_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[dict[str, str]] = []

    def asked(*_: object, env: dict[str, str], **__: object) -> None:
        seen.append(env)
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", asked)
    project_version(tmp_path)
    assert seen
    assert all(one.items() >= NOTHING_FETCHED.items() for one in seen)
