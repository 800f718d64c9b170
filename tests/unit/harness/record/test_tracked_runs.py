"""Runs that git keeps are told from those that stay on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.record import tracked_runs
from pointwise_bench.suites.harness.record.tracked_runs import KEPT, kept_since


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a run in a repository that keeps nothing yet."""
    folder = tmp_path / "results" / "a-machine" / "a-time"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    git(tmp_path, "init", "-q")
    return folder


def git(folder: Path, *words: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, env=kept, capture_output=True, text=True).stdout.strip()


def program(folder: Path, text: str) -> Path:
    """A program of a shell in the place of git; the folder that holds it."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "git").chmod(0o755)
    return folder


def test_a_run_is_tracked_once_a_file_of_it_is(folder: Path) -> None:
    assert kept_since(folder) is None
    git(folder, "add", "-f", "run.json")
    assert kept_since(folder) == KEPT


def test_another_run_beside_it_is_not(folder: Path) -> None:
    git(folder, "add", "-f", "run.json")
    other = folder.with_name("another-time")
    other.mkdir()
    (other / "run.json").write_text("{}")
    assert kept_since(other) is None


def test_a_hook_of_another_repository_does_not_mislead_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(folder, "add", "-f", "run.json")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert kept_since(folder) == KEPT


def test_without_a_repository_or_git_nothing_is(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept_since(tmp_path / "absent") is None
    git(folder, "add", "-f", "run.json")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kept_since(folder) is None


def test_outside_of_a_repository_git_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path / "bin", "exit 1")))
    assert kept_since(tmp_path) is None


def mounted(results: Path, program: str) -> list[str]:
    """A command that has a file system of its own mounted at ``results``, where nobody else sees it."""
    script = f'mkdir -p "$0" && mount -t tmpfs none "$0" && mkdir -p "$0"/a-time && exec "{sys.executable}" -c "$1"'
    return ["unshare", "--mount", "sh", "-c", script, str(results), program]


def test_results_that_are_mounted_into_a_checkout_are_asked_about_there(folder: Path) -> None:
    """As into a container's: by itself git does not look beyond the mount, and says that there is no repository."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(mounted(folder, ""), check=False, capture_output=True).returncode
    ):
        pytest.skip("nothing can be mounted here")
    git(folder, "add", "-f", "run.json")
    ask = "import pathlib, sys; from pointwise_bench.suites.harness.record.tracked_runs import kept_since;"
    for name, said in (("a-time", "None"), (".", KEPT)):
        program = f"{ask} print(kept_since(pathlib.Path({str(folder / name)!r})))"
        done = subprocess.run(mounted(folder, program), check=True, capture_output=True, text=True)
        assert done.stdout.strip() == said


# --- where git does not answer ------------------------------------------------------------------------------------


@pytest.mark.skipif(os.getuid() != 0, reason="gives files to another user, which root alone may do")
def test_a_checkout_of_another_user_is_asked_all_the_same(tmp_path: Path, folder: Path) -> None:
    """As a container has it: git had said "dubious ownership", and the recorded run was written to."""
    git(folder, "add", "-f", "run.json")
    for path in (tmp_path, *tmp_path.rglob("*")):
        shutil.chown(path, 12345, 12345)
    unconfigured = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    refused = subprocess.run(
        ["git", "-C", str(folder), "ls-files"], env=unconfigured, capture_output=True, text=True, check=False
    )
    assert "dubious ownership" in refused.stderr
    assert kept_since(folder) == KEPT


def test_nothing_that_a_repository_names_is_run(tmp_path: Path, folder: Path) -> None:
    """A stranger's results may come with a repository that names programs for git to start."""
    git(folder, "add", "-f", "run.json")
    ran = tmp_path / "ran"
    watch = program(tmp_path / "bin", f"touch {ran}") / "git"
    git(folder, "config", "core.fsmonitor", str(watch))
    git(folder, "status", "--short")
    assert ran.exists()  # the control
    ran.unlink()
    assert kept_since(folder) == KEPT
    assert not ran.exists()


def test_what_a_repository_lacks_is_not_fetched_by_a_program_that_it_names(tmp_path: Path, folder: Path) -> None:
    """Listing files reads trees where the index leaves folders out, and seeks those that are missing elsewhere."""
    run, ran = (folder / "run.json").read_text(), tmp_path / "ran"
    git(folder, "add", "-f", "run.json")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "-qm", "a run")
    git(tmp_path, "sparse-checkout", "set", "--cone", "--sparse-index", "elsewhere")
    lost = git(tmp_path, "rev-parse", "HEAD:results")
    (tmp_path / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    for name, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", "ssh://nobody@localhost/nowhere"),
        ("core.sshCommand", f"touch {ran} #"),
    ):
        git(tmp_path, "config", name, value)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(run)
    with suppress(subprocess.CalledProcessError):
        git(folder, "ls-files", "--", ".")
    assert ran.exists()  # the control
    ran.unlink()
    assert (kept_since(folder) or "").startswith("git does not say whether it keeps it (")
    assert not ran.exists()


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("echo 'fatal: index file corrupt' >&2; exit 128", "fatal: index file corrupt"),
        ("echo \"fatal: detected dubious ownership in repository at 'x'\" >&2; exit 128", "fatal: detected dubious"),
        ("exec sleep 10", "no answer within 0.2 s"),
    ],
    ids=["corrupt", "owner", "hangs"],
)
def test_a_run_of_which_git_does_not_say_it_is_held_for_tracked_and_the_reason_said(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, does: str, why: str
) -> None:
    monkeypatch.setattr(tracked_runs, "LONGEST_ANSWER_S", 0.2 if "sleep" in does else 5.0)
    monkeypatch.setenv("PATH", f"{program(tmp_path / 'bin', does)}:{os.environ['PATH']}")
    said = kept_since(folder)
    assert said is not None
    assert said.startswith(f"git does not say whether it keeps it ({why}")


def test_a_damaged_index_is_such_a_reason(tmp_path: Path, folder: Path) -> None:
    git(folder, "add", "-f", "run.json")
    (tmp_path / ".git" / "index").write_bytes(b"damaged")
    assert "git does not say whether it keeps it (" in (kept_since(folder) or "")


def lose_head(repository: Path) -> None:
    (repository / "HEAD").unlink()


def lead_nowhere(repository: Path) -> None:
    """As the file of a worktree does in a container that lacks the repository."""
    shutil.rmtree(repository)
    repository.write_text("gitdir: /nonexistent/.git/worktrees/one\n")


def link_nowhere(repository: Path) -> None:
    shutil.rmtree(repository)
    repository.symlink_to("/nonexistent")


@pytest.mark.parametrize("lose", [lose_head, lead_nowhere, link_nowhere])
def test_a_repository_that_git_does_not_know_again_is_such_a_reason(
    tmp_path: Path, folder: Path, lose: Callable[[Path], None]
) -> None:
    """Of each git says the same as where there is no repository, and the recorded run was written to."""
    git(folder, "add", "-f", "run.json")
    lose(tmp_path / ".git")
    assert "not a git repository" in (kept_since(folder) or "")


def test_a_folder_that_only_looks_like_a_repository_is_none(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert kept_since(tmp_path) is None
