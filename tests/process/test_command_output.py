"""``pointwise-bench`` where what it prints goes nowhere: a full disk, or an output that is closed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from suite_command import CHEAP, SMALL, only_run, suite_environment

FULL = Path("/dev/full")
RUN = ("run", "--shapes", SMALL, "--backend", CHEAP, "--time-budget", "20s", "--results")


def said(folder: Path, where: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What the command with ``words`` came to, its output sent ``where`` by a shell."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {where}', "sh", sys.executable, "-m", "pointwise_bench", *words],
        cwd=folder,
        env=suite_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is Linux's")
@pytest.mark.parametrize("words", [("--help",), ("suites",), (*RUN, "results")], ids=lambda words: words[0])
def test_an_output_that_takes_nothing_more_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    """As ``> file`` on a full disk: the run had ended in seventy lines of tracebacks."""
    done = said(tmp_path, f"> {FULL}", *words)
    assert done.stderr.splitlines() == [
        f"pointwise-bench {words[0]}: the output cannot be written: No space left on device"
    ]
    assert done.returncode == 1


@pytest.mark.parametrize("where", [">&-", ">&- 2>&-"])
def test_a_command_whose_output_is_closed_does_its_work(tmp_path: Path, where: str) -> None:
    """As a service starts it: what is opened next would otherwise be what it prints to."""
    done = said(tmp_path, where, *RUN, "results")
    assert (done.returncode, done.stderr) == (0, "")
    assert (only_run(tmp_path / "results") / "cells.jsonl").read_text().count("\n") == 1
