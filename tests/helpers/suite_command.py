"""Runs ``pytest suites/`` as a user does, in a process of its own, and reads what it left on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forked_session import ForkedProcess, begun, forked
from places import HELPERS, ROOT

PATIENCE_S = 240.0  # for a run that hangs; a busy machine may take minutes for what takes ten seconds

# Two problems that cost next to nothing, and the cheapest backend.
SMALL, WIDER = "n1c8h4w4-o8", "n1c16h4w4-o8"
CHEAP = "numpy-matmul"

# The whole folder is what a user names. The files of its timed tests alone are collected in a third of the time: a run
# skips all others, some two hundred for each backend, and importing Hypothesis for them takes a second.
WHOLE = ("suites/",)
TIMED = ("suites/test_networks.py", "suites/test_sweeps.py", "suites/test_claims.py", "-p", "no:hypothesispytest")


def suite_command(results: Path, *arguments: str, suites: tuple[str, ...] = TIMED) -> list[str]:
    """The command line of a timed run whose every trace lies beside ``results``."""
    fixed = ["--benchmark-only", "-p", "no:cacheprovider", f"--benchmark-storage={results.parent / 'storage'}"]
    return [sys.executable, "-m", "pytest", *suites, *fixed, "--results", str(results), *arguments]


def suite_environment(*import_path: Path) -> dict[str, str]:
    """The environment of this process less what is meant for it alone, with ``import_path`` in front."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    folders = [*map(str, import_path), str(ROOT / "src"), str(HELPERS), inherited.get("PYTHONPATH", "")]
    return inherited | {"PYTHONPATH": os.pathsep.join(folder for folder in folders if folder), "COLUMNS": "200"}


def run_suite(
    results: Path,
    *arguments: str,
    real_ceilings: bool = False,
    real_starts: bool = False,
    import_path: tuple[Path, ...] = (),
    patience_s: float = PATIENCE_S,
    suites: tuple[str, ...] = TIMED,
) -> subprocess.CompletedProcess[str]:
    """One whole run on one thread. Its ceilings are made up, which saves ten seconds, but on request.

    It is a fork of a process that has imported pytest, NumPy and pandas; see :mod:`fork_server`. So are its workers
    forks, but with ``real_starts``; see :mod:`forked_workers`.
    """
    quick = [] if real_ceilings else ["-p", "quick_ceilings"]
    quick += [] if real_starts else ["-p", "forked_workers"]
    _, _, *words = suite_command(results, "--threads", "1", *quick, *arguments, suites=suites)
    return forked(words, ROOT, suite_environment(*import_path), patience_s)


def begun_suite(results: Path, *arguments: str) -> ForkedProcess | subprocess.Popen[str]:
    """The same in a session of its own, as a terminal's, begun and not waited for; whoever begins it ends it."""
    quick = ["-p", "quick_ceilings", "-p", "forked_workers"]
    _, _, *words = suite_command(results, "--threads", "1", *quick, *arguments)
    return begun(words, ROOT, suite_environment())


def started_suite(results: Path, *arguments: str, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """The same as a program of its own, with imports and all. ``before`` runs in the new process first."""
    return subprocess.Popen(
        suite_command(results, "--threads", "1", "-p", "quick_ceilings", *arguments),
        cwd=ROOT,
        env=suite_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before,  # noqa: PLW1509  # this process has no threads
    )


def only_run(results: Path) -> Path:
    """The folder of the one run under ``results``."""
    (path,) = results.glob("*/*/run.json")
    return path.parent


def read_cells(results: Path) -> list[dict[str, Any]]:
    """The cells of the one run under ``results``, as they stand on disk."""
    return [json.loads(line) for line in (only_run(results) / "cells.jsonl").read_text().splitlines()]


def read_run(results: Path) -> dict[str, Any]:
    """The ``run.json`` of the one run under ``results``."""
    content: dict[str, Any] = json.loads((only_run(results) / "run.json").read_text())
    return content
