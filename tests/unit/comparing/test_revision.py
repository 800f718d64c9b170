"""Another version of a repository's files: found by its name, laid out; one line where it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_repository import git, repository

from pointwise_bench.comparing.refusal import NoOtherVersion
from pointwise_bench.comparing.revision import Revision


def test_the_files_of_a_commit_are_laid_out_and_the_repository_is_left_as_it_is(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"a/mine.py": "old", "gone.py": "g"}, {"a/mine.py": "new", "new.py": "n"})
    (top / "link").symlink_to("a")
    git(top, "add", "link")
    git(top, "commit", "--quiet", "--message", "link")
    (top / "gone.py").unlink()
    status = git(top, "status", "--porcelain")
    revision = Revision.of(top / "a" / "mine.py", "HEAD")
    assert revision.top == top.resolve()
    assert revision.short == f"HEAD ({git(top, 'rev-parse', 'HEAD')[:12]})"
    tree = tmp_path / "tree"
    tree.mkdir()
    revision.lay_out(tree)
    assert (tree / "a" / "mine.py").read_text() == (tree / "link" / "mine.py").read_text() == "old"
    assert (tree / "gone.py").is_file()
    assert not (tree / "new.py").exists()
    assert git(top, "status", "--porcelain") == status
    assert git(top, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize("name", ["nowhere", "--help", "-h", ""])
def test_a_name_of_no_commit_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    top = repository(tmp_path / "repo", {"mine.py": ""}, {})
    with pytest.raises(NoOtherVersion, match="has no commit") as caught:
        Revision.of(top / "mine.py", name)
    assert "\n" not in str(caught.value)


def test_a_file_in_no_repository_is_refused_whatever_a_hook_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "repo", {"mine.py": ""}, {})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    (tmp_path / "mine.py").touch()
    with pytest.raises(NoOtherVersion, match="is in no git repository"):
        Revision.of(tmp_path / "mine.py", "HEAD")
