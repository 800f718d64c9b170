"""The action for other projects: its steps in bash, on a shallow clone of a small repository, as a runner has them.

What ``compare --against`` measures and leaves behind is seen here as well: there is one such run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from action_steps import Runner, Step, defaults_of, steps_of
from places import ROOT
from suite_command import only_run, read_cells, read_run, suite_environment
from tiny_repository import PLUGIN, git, repository

ACTION = ROOT / ".github/actions/compare/action.yml"
STEPS: dict[str, Step] = {step.name: step for step in steps_of(ACTION)}
BASE = "inputs.against || github.event.pull_request.base.sha"
ROW = "| ✗ broken | first-in-tests | n1c8h4w4-o8-nhwc | 1 |"

# In the place of programs that install and that talk to GitHub: what they are told, and what GitHub would answer.
TOLD = '#!/bin/bash\nprintf "%s\\n" "$@" >> "$RUNNER_TEMP/{name}.txt"\n{then}\n'


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A job of a pull request that gives wrong results, and has another name for its second backend.

    The base is a commit that was not checked out.
    """
    origin = repository(
        tmp_path / "origin",
        {"mine.py": PLUGIN.format(factor=1, second="second-in-tests")},
        {"mine.py": PLUGIN.format(factor=2, second="third-in-tests")},
    )
    git(origin, "commit", "--quiet", "--all", "--message", "now")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")  # as GitHub has it
    git(tmp_path, "clone", "--quiet", "--depth=1", origin.as_uri(), "checkout")
    programs, temporary = tmp_path / "programs", tmp_path / "temporary"
    for folder in (programs, temporary):
        folder.mkdir()
    tiny = f'#!/bin/bash\nshift\nexec "{sys.executable}" -m tiny_comparison "$@"\n'
    answers = 'case "$*" in *--jq*) cat "$RUNNER_TEMP/earlier.txt" 2> /dev/null;; esac'
    for name, text in {
        "python": TOLD.format(name="python", then=""),
        "gh": TOLD.format(name="gh", then=answers),
        "pointwise-bench": tiny,
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name in ("PYTHONPATH", "COLUMNS"):
        monkeypatch.setenv(name, suite_environment()[name])
    monkeypatch.setenv("GITHUB_ACTION_PATH", str(ACTION.parent))
    values = {"inputs.plugin": "mine.py", "github.token": "t", "github.event.pull_request.number": "7"}
    given = {"inputs.shapes": "\nn1c8h4w4-o8-nhwc\n", "inputs.threads": "1", "inputs.time-budget": ""}
    base = {BASE: git(origin, "rev-parse", "before")}
    return Runner(tmp_path / "checkout", temporary, programs, defaults_of(ACTION) | values | given | base)


def told(runner: Runner, program: str) -> list[str]:
    return (Path(runner.files["GITHUB_ENV"]).parent / f"{program}.txt").read_text().splitlines()


def test_a_worse_plugin_fails_the_job_with_its_table_as_summary_and_comment(runner: Runner) -> None:
    assert list(STEPS) == ["install", "fetch", "compare", "comment", "verdict"]
    printed: dict[str, str] = {}
    for name in ("install", "fetch", "compare", "comment"):
        done = runner.run(STEPS[name])
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        printed[name] = done.stdout
    assert f"note: third-in-tests is not in {runner.values[BASE]}, and is not measured" in printed["compare"]
    assert f"note: second-in-tests-before is in {runner.values[BASE]} only" in printed["compare"]
    broken = "broken: first-in-tests, n1c8h4w4-o8-nhwc, 1 thread: ok before, wrong now"
    assert broken in printed["compare"], runner.files["GITHUB_STEP_SUMMARY"].read_text()
    summary = runner.files["GITHUB_STEP_SUMMARY"].read_text()
    assert summary.startswith("### pointwise-bench\n\n")
    assert ROW in summary
    assert told(runner, "python")[:4] == ["-m", "pip", "install", "--quiet"]
    assert (Path(told(runner, "python")[4]) / "pyproject.toml").samefile(ROOT / "pyproject.toml")
    *_, method, place, field, body = told(runner, "gh")
    assert (method, place, field) == ("POST", "repos/somebody/something/issues/7/comments", "--field")
    assert ROW in Path(body.removeprefix("body=@")).read_text()
    assert runner.run(STEPS["verdict"]).returncode == 1
    _check_run(runner)


def _check_run(runner: Runner) -> None:
    """Both versions are cells of one run, which says what the names stand for and lies where no wisdom is sought."""
    base, results = runner.values[BASE], runner.checkout / "results" / "against"
    assert {cell["backend"]: cell["status"] for cell in read_cells(results)} == {
        "first-in-tests": "wrong",
        "first-in-tests-before": "ok",
    }
    run = read_run(results)
    assert run["against"] == [{"ref": base, "commit": base}]
    assert run["options"]["plugins"] == ["mine.py"]
    assert [path.parent for path in results.glob("*/*/against.md")] == [only_run(results)]
    assert not list((runner.checkout / "results").glob("*/*/run.json"))


def test_a_comparison_that_cannot_be_made_says_why_in_a_comment_that_is_kept_up_to_date(runner: Runner) -> None:
    runner.values["inputs.plugin"] = "$(touch injected).py"
    (runner.files["GITHUB_ENV"].parent / "earlier.txt").write_text("11\n12\n")
    for name in ("fetch", "compare", "comment"):
        done = runner.run(STEPS[name])
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    summary = runner.files["GITHUB_STEP_SUMMARY"].read_text()
    assert "compared nothing (exit code 4)" in summary
    assert "no such file" in summary
    assert told(runner, "gh")[-4:-1] == ["PATCH", "repos/somebody/something/issues/comments/12", "--field"]
    assert runner.run(STEPS["verdict"]).returncode == 4
    assert not (runner.checkout / "injected").exists()


def test_a_base_that_nobody_has_ends_at_its_step(runner: Runner) -> None:
    for base, said in (("", "'against' must say"), ("no-such-branch", "no-such-branch")):
        runner.values[BASE] = base
        done = runner.run(STEPS["fetch"])
        assert done.returncode != 0
        assert said in done.stdout + done.stderr
    assert runner.files["GITHUB_ENV"].read_text() == ""
