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

_ASKED: Final = (
    # A checkout of another user's, as in a container, is no reason not to answer: nothing of it is run. Git asks for
    # that since what a repository configures may be a program; the one that listing files could start is forbidden.
    *("-c", "safe.directory=*", "-c", "core.fsmonitor=false"),
    *("ls-files", "-z", "--", "."),
)


def kept_since(folder: Path) -> str | None:
    """Why ``folder`` is only read, in words: git tracks a file of it, or is there and does not say whether it does.

    None where there is no repository, or no git, without which nobody has recorded anything here. Where git fails in a
    repository, as over a damaged index, on a file system that hangs, or in an old version over what another user owns,
    a run is held for tracked: that costs whoever would write there another folder, while the opposite would change a
    run that was recorded for others.
    """
    if not _in_a_repository(folder):
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *_ASKED],
            env=_variables(),
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
    if done.returncode == 0:
        return KEPT if done.stdout else None
    said = one_line(done.stderr.decode(errors="replace"), LONGEST_SAID)
    return None if "not a git repository" in said else _unknown(said)


def _in_a_repository(folder: Path) -> bool:
    """Whether git would look further: most results lie in none, and are not to wait for it."""
    whole = folder.resolve()
    return whole.is_dir() and any(os.path.lexists(one / ".git") for one in (whole, *whole.parents))


def _variables() -> dict[str, str]:
    """Those of this process without git's: a hook that starts a run tells by them which repository it is about."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Asking must not write to the checkout, and what it says is looked at in English.
    return own | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _unknown(why: str) -> str:
    return f"git does not say whether it keeps it ({why})"
