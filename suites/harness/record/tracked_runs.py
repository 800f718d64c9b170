"""Runs that git keeps: recorded for others to read, and so never written to again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from pointwise_bench.suites.harness.record.text import one_line

KEPT: Final = "git keeps it"
LONGEST_ANSWER_S: Final = 5.0  # git answers in milliseconds; a file system may hang
LONGEST_SAID: Final = 200  # characters of what git says

NOTHING_FETCHED: Final = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
"""Variables for git: what a repository lacks is not sought at another one, by programs that it may name.

The second is known to git from 2.45 on; the first lets it try, and fail before anything is started.
"""
_ACROSS: Final = {"GIT_DISCOVERY_ACROSS_FILESYSTEM": "1"}
"""A folder of results may be mounted into a checkout."""
_OF_A_REPOSITORY: Final = frozenset({"HEAD", "index", "objects"})

_ASKED: Final = (
    # A checkout of another user's, as in a container, is no reason not to answer: nothing of it is run. Git asks for
    # that since what a repository configures may be a program; those that listing files could start are forbidden, here
    # and by NOTHING_FETCHED.
    *("-c", "safe.directory=*", "-c", "core.fsmonitor=false"),
    *("ls-files", "-z", "--", "."),
)


def kept_since(folder: Path) -> str | None:
    """Why ``folder`` is only read, in words: git tracks a file of it, or is there and does not say whether it does.

    None where there is no repository, or no git, without which nobody has recorded anything here. Where git fails in a
    repository, as over a damaged index or one that it does not know again, on a file system that hangs, or in an old
    version over what another user owns, a run is held for tracked: that costs whoever would write there another folder,
    while the opposite would change a run that was recorded for others.
    """
    if not _in_a_repository(folder):
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *_ASKED],
            env=git_variables() | NOTHING_FETCHED | _ACROSS,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_ANSWER_S,
            check=False,
        )
    except (FileNotFoundError, PermissionError):
        return None
    except subprocess.TimeoutExpired:
        return _unknown(f"no answer within {LONGEST_ANSWER_S:g} s")
    except OSError as error:
        return _unknown(f"it cannot be started: {error.strerror}")
    if done.returncode == 0 and done.stdout:
        return KEPT
    said = done.stderr.decode(errors="replace")
    # Where a folder of the index cannot be read git lists the others, and ends as if that were all.
    return _unknown(one_line(said, LONGEST_SAID)) if done.returncode or "error: " in said else None


def _in_a_repository(folder: Path) -> bool:
    """Whether git would look further: most results lie in none, and are not to wait for it."""
    whole = folder.resolve()
    return whole.is_dir() and any(_marks_a_repository(one / ".git") for one in (whole, *whole.parents))


def _marks_a_repository(path: Path) -> bool:
    """Whether a ``.git`` is or was one's, or a file or link that names one: only a folder without its parts is none's.

    What git says does not tell: of a repository that lost its HEAD, or that a file names and that is not there, as of a
    worktree in a container, it says the same as of none.
    """
    if not os.path.lexists(path):
        return False
    try:
        return not _OF_A_REPOSITORY.isdisjoint(part.name for part in path.iterdir())
    except OSError:
        return True


def git_variables() -> dict[str, str]:
    """Those of this process without git's: a hook that starts a run tells by them which repository it is about."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Asking must not write to the checkout, and what it says is looked at in English.
    return own | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _unknown(why: str) -> str:
    return f"git does not say whether it keeps it ({why})"
