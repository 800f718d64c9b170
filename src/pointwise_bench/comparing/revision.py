"""Another version of the files of a git repository: named, found, and laid out in a folder of its own."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from pointwise_bench.comparing.refusal import NoOtherVersion
from pointwise_bench.suites.harness.record.tracked_runs import git_variables


@dataclass(frozen=True)
class Revision:
    """A commit of the repository at ``top``, by the name that it was asked for under."""

    top: Path
    name: str
    commit: str

    @classmethod
    def of(cls, place: Path, name: str) -> Revision:
        """The commit ``name`` of the repository that ``place`` is in. :class:`NoOtherVersion` where there is none."""
        folder = place if place.is_dir() else place.parent
        top = Path(_git(folder, "rev-parse", "--show-toplevel", otherwise=f"{place} is in no git repository").strip())
        missing = f"{top} has no commit {name!r}; a shallow clone may lack it: git fetch origin {name}"
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return cls(top, name, _git(top, *words, otherwise=missing).strip())

    @property
    def short(self) -> str:
        """``main (0123456789ab)``, or the commit alone where it was asked for by its number."""
        return self.commit[:12] if self.commit.startswith(self.name) else f"{self.name} ({self.commit[:12]})"

    def lay_out(self, folder: Path) -> None:
        """Write all files of the commit into ``folder``.

        An archive, and no work tree of git's: that would be noted in a repository that is only read here.
        """
        archive = _git_bytes(self.top, "archive", "--format=tar", self.commit, otherwise=f"git archives no {self.name}")
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="tar")


def _git(folder: Path, *words: str, otherwise: str) -> str:
    return os.fsdecode(_git_bytes(folder, *words, otherwise=otherwise))


def _git_bytes(folder: Path, *words: str, otherwise: str) -> bytes:
    """What git answers about ``folder``; :class:`NoOtherVersion` that says ``otherwise`` where it does not."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            # Its code is run in any case, so that git may fetch what a partial clone lacks.
            env=git_variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise NoOtherVersion(f"git cannot be asked ({error.strerror}): install it") from None
    if done.returncode:
        said = os.fsdecode(done.stderr).strip().splitlines()
        # What git says of a folder that belongs to somebody else tells what to do.
        raise NoOtherVersion(f"{otherwise}{f' ({said[0]})' if said and 'dubious' in said[0] else ''}")
    return done.stdout
