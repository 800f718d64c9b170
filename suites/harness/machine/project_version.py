"""Which version of this project measures: what is installed, and the revision of the checkout that it runs from."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import pointwise_bench
from pointwise_bench.suites.harness.machine.environment import DISTRIBUTION
from pointwise_bench.suites.harness.record.tracked_runs import NOTHING_FETCHED, git_variables

PACKAGE: Final = Path(pointwise_bench.__file__).parent
PLACE_IN_CHECKOUT: Final = Path("src") / "pointwise_bench"
CODE: Final = ("backends", "suites", "report", "src", "pyproject.toml")
"""Where a change can alter a number: results, documents and tests cannot."""
LONGEST_ANSWER_S: Final = 5.0  # git is asked three questions that take milliseconds; a file system may hang


def project_version(package: Path = PACKAGE) -> dict[str, Any]:
    """``version``, ``revision`` and ``clean``: whether the code is as that revision has it; None where it is unknown.

    Only a checkout of this project has a revision, not some other repository around an installed package.
    """
    top = _git(package, "rev-parse", "--show-toplevel")
    if top is None or not _same(Path(top) / PLACE_IN_CHECKOUT, package):
        return {"version": _version(), "revision": None, "clean": None}
    changes = _git(Path(top), "status", "--porcelain", "--", *CODE)
    return {
        "version": _version(),
        "revision": _git(package, "rev-parse", "HEAD"),
        "clean": None if changes is None else not changes,
    }


def _version() -> str | None:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # run from a plain checkout
        return None


def _git(folder: Path, *words: str) -> str | None:
    """What git answers about ``folder``; None where it is no checkout, or there is no git, or it does not answer."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            # An installed package may lie in a stranger's repository. What is missing would take longer to fetch, too.
            env=git_variables() | NOTHING_FETCHED,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=LONGEST_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
