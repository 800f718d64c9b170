"""A mistake on the command line of ``pytest suites/``: one line with the value and a remedy, exit code 4, no trace."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from suite_command import CHEAP, SMALL, WIDER, run_suite

from pointwise_bench.common.formats import USAGE_ERROR

CASES = {
    "unknown backend": (["--backend", "numpy-matmull"], ["'numpy-matmull'", "nearest: numpy-matmul"]),
    "one of two backends unknown": (["--backend", "numpy*", "--backend", "zzz*"], ["'zzz*'", "nearest"]),
    "unknown group": (["--shapes", "googlenett"], ["'googlenett'", "nearest: googlenet"]),
    "malformed id": (["--shapes", "n1c8h4w4-o8-s1"], ["'n1c8h4w4-o8-s1'", "'n1c8h4w4-o8'"]),
    "too many threads": (["--threads", "4096"], ["'4096'", "1 to "]),
    "no number of threads": (["--threads", "two"], ["'two'", "1 to "]),
    "no duration": (["--timeout", "soon"], ["'soon'", "90s"]),
    "no time budget": (["--time-budget", "10 parsecs"], ["--time-budget", "'10 parsecs'", "10m"]),
    "an empty time budget": (["--time-budget", ""], ["--time-budget", "''", "10m"]),
    "a seed below zero": (["--seed", "-1"], ["--seed", "'-1'", "from 0 to"]),
    "no seed": (["--seed", "many"], ["--seed", "'many'", "from 0 to"]),
    "no results": (["--results", ""], ["--results", "''", "such as results"]),
    "results where none can be made": (
        ["--results", "/proc/results"],
        ["--results", "'/proc/results'", "name another"],
    ),
    "a folder for a layer file": (["--shapes", "tests/unit"], ["'tests/unit'", ".toml or .csv"]),
    "no plugin file": (["--plugin", "no/such/plugin.py"], ["'no/such/plugin.py'", "no such file"]),
    "no plugin module": (["--plugin", "no_such_module"], ["'no_such_module'", "no such module"]),
    "absent layer file": (["--shapes", "absent.csv"], ["absent.csv", "no such file"]),
    "nothing to resume": (["--resume"], ["--resume", "no unfinished run"]),
    "several processes that measure": (["-n", "2"], ["-n", "--benchmark-skip"]),
}


def refusal(results: Path, arguments: list[str]) -> str:
    """The one line that a refused command prints."""
    done = run_suite(results, "--shapes", SMALL, *arguments)
    assert done.returncode == USAGE_ERROR, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR: ")]
    assert not results.exists()
    return line


@pytest.mark.parametrize("case", CASES)
def test_one_line_names_the_value_and_what_would_do(case: str, tmp_path: Path) -> None:
    arguments, words = CASES[case]
    line = refusal(tmp_path / "results", arguments)
    assert [word for word in words if word not in line] == []


def test_a_malformed_layer_file_is_refused_by_line_and_column(tmp_path: Path) -> None:
    layers = tmp_path / "mine.csv"
    layers.write_text("name,batch,in_channels,out_channels,height,width\nfirst,1,8,8,4,four\n")
    line = refusal(tmp_path / "results", ["--shapes", str(layers)])
    assert "mine.csv: line 2: layer 'first': width must be a whole number of at least 1, got 'four'" in line


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a folder", "a pipe"])
def test_what_is_called_like_a_layer_file_and_is_none_is_refused_at_once(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    layers = tmp_path / "mine.csv"
    make(layers)
    line = refusal(tmp_path / "results", ["--shapes", str(layers)])
    assert f"{layers}: is no file: name a .toml or .csv file of layers" in line


def test_results_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    """Before minutes of measuring, not after."""
    results = tmp_path / "results"
    results.write_text("a file where the folder should be")
    done = run_suite(results, "--shapes", SMALL, "--shapes", WIDER, "--backend", CHEAP)
    assert done.returncode == USAGE_ERROR, done.stdout[-2000:]
    assert str(results) in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
