"""Makes a git repository of two commits for the tests of comparing versions: its files before, and as they are now."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

PLUGIN = """
from pointwise_bench import Backend, register

class Product(Backend):
    def refuses(self, problem):
        return super().refuses(problem) or (None if problem.layout == "nhwc" else "NHWC only")
    def prepare(self, problem, weight, bias, threads):
        right = weight.T.copy() * {factor}
        return lambda x: x @ right

@register
class First(Product):
    name = "first-in-tests"

@register
class Second(Product):
    name = "{second}"
"""


def git(folder: Path, *words: str) -> str:
    """What git says, with an author of its own and no configuration of the user's."""
    fixed = ("-c", "user.name=tests", "-c", "user.email=tests@localhost", "-c", "init.defaultBranch=main")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *fixed, *words], cwd=folder, env=variables, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Each with its text, in folders that are made."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def repository(folder: Path, before: Mapping[str, str], now: Mapping[str, str]) -> Path:
    """A repository with ``before`` committed and tagged so, and ``now`` lying in its work tree, uncommitted."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    write(folder, before)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "before")
    git(folder, "tag", "before")
    write(folder, now)
    return folder
