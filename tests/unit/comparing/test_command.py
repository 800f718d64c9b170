"""``compare --against``: mistakes are one line, whatever is missing. What it measures: ``test_compare_action.py``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_repository import PLUGIN, repository

from pointwise_bench.backends import registry
from pointwise_bench.comparing.command import main

OLD = PLUGIN.format(factor=1, second="second-in-tests")


@pytest.fixture(autouse=True)
def _own_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this process, as it was before."""
    registry.names()
    monkeypatch.setattr(registry, "_entries", {name: registry._entries[name] for name in registry.names()})
    monkeypatch.setattr(registry, "_load_elsewhere", None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "--plugin", "repo/mine.py"], "repo has no commit 'nowhere'"),
        (["before", "--plugin", "outside.py"], "outside.py is in no git repository"),
        (["before", "--plugin", "repo/mine.py"], "before has none of first-in-tests, second-in-tests"),
        (["before", "--plugin", "nofile.py"], "'nofile.py': no such file"),
        (["before", "--plugin", "repo/other.py"], "other: failed to load: other.py: registers no backend"),
        (["before", "--plugin", "repo/late.py"], "late.py of before ("),
        (["before", "--plugin", "repo/late.py"], "No module named 'no_such_package_anywhere' (late.py:1)"),
        (["before", "--plugin", "repo/late.py", "--build", "echo a; echo b >&2; exit 3"], "exit code 3: b"),
        (["before", "--backend", "no-such-backend"], "no backend is called 'no-such-backend'"),
        (["before", "no/such/run"], "no/such/run: no such run folder"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_code_4(
    tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {"other.py": "", "late.py": "import no_such_package_anywhere"}
    repository(tmp_path / "repo", before, {"mine.py": OLD, "late.py": OLD})
    (tmp_path / "outside.py").write_text(OLD)
    assert main(["--against", *words]) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith(f"pointwise-bench compare --against {words[0]}: ")
    assert said in line
    assert list(tmp_path.glob("results/*")) == []


def test_help_tells_of_both_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    assert "--against REF" in printed
    assert "--across-machines" in printed
