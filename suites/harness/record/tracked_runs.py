"""Runs that git keeps: recorded for others to read, and so never written to again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

LONGEST_ANSWER_S: Final = 5.0  # git answers in milliseconds; a file system may hang


def is_tracked(folder: Path) -> bool:
    """Whether git tracks a file of ``folder``. False where there is no repository, no git, or no answer."""
    # A hook of git's that starts a run tells by variables which repository it is about.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "ls-files", "-z", "--", "."],
            env=variables | {"GIT_OPTIONAL_LOCKS": "0"},  # asking must not write to the checkout
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and bool(done.stdout)
