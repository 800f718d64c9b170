"""What a person sees while a run goes on: its own lines, and of pytest's letters those of what failed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from places import PLUGINS
from suite_command import CHEAP, SMALL, WIDER, run_suite, suite_environment

TWO = ("--shapes", SMALL, "--shapes", WIDER)
SINGLE_START = ("-p", "single_start")
# pytest's progress: letters, behind the name of a file or at the beginning of a line.
LETTERS = re.compile(r"^(?:suites/\S+ +)?([.sxXFE]+)(?: +\[ *\d+%\])?$", re.MULTILINE)


def test_a_line_for_each_problem_is_all_the_progress_and_what_failed_has_its_letter(tmp_path: Path) -> None:
    plugin = ("--plugin", str(PLUGINS / "crashes_on_one.py"))
    backends = ("--backend", CHEAP, "--backend", "crashes-on-wide")
    done = run_suite(tmp_path / "results", *SINGLE_START, *TWO, *plugin, *backends)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.findall(r"^\[pass 1/1, (\d)/2\]", done.stdout, re.MULTILINE) == ["1", "2"]
    assert "= 3 passed, " in done.stdout
    assert LETTERS.findall(done.stdout) == ["x"]


def test_what_a_time_budget_does_not_reach_is_counted_and_has_no_letter(tmp_path: Path) -> None:
    """Of a run of ten minutes pytest had written fifty lines of letters: most of its tests are skipped."""
    # Four tests: those between the first and the last are reported without being run.
    backends = ("--backend", CHEAP, "--backend", "numpy-einsum")
    done = run_suite(tmp_path / "results", *SINGLE_START, *TWO, *backends, "--time-budget", "1ms")
    assert done.returncode == 1, done.stdout[-3000:]
    assert "= 4 skipped" in done.stdout
    assert not LETTERS.search(done.stdout)


def test_asked_for_more_pytest_says_what_became_of_each_test(tmp_path: Path) -> None:
    done = run_suite(tmp_path / "results", *SINGLE_START, *TWO, "--backend", CHEAP, "--time-budget", "1ms", "-v")
    assert len(re.findall(rf":{CHEAP}\] SKIPPED", done.stdout)) == 2


def test_a_run_from_another_folder_begins_with_its_plan_and_shows_no_full_stops(tmp_path: Path) -> None:
    words = ("run", "--shapes", SMALL, "--backend", CHEAP, "--threads", "1", "--time-budget", "20s")
    done = subprocess.run(
        [sys.executable, "-m", "pointwise_bench", *words],
        cwd=tmp_path,
        env=suite_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert lines[1].startswith("collected ")
    assert lines[2].startswith("plan: 1 problem")
    assert not [line for line in lines if line.lstrip().startswith(".")]
    assert "= 1 passed" in done.stdout
