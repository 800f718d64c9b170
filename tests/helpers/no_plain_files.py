"""What can be in the place of a file: a plugin, or a stranger whose results are read, may have put it there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

PRECIOUS: Final = "precious"
"""Name and content of a file that a link leads to, and that nobody may read or change."""


def _link(path: Path) -> None:
    path.with_name(PRECIOUS).write_text(PRECIOUS)
    path.symlink_to(path.with_name(PRECIOUS))


NO_PLAIN_FILES: Final[dict[str, Callable[[Path], None]]] = {
    "a link": _link,
    "a link to nothing": lambda path: path.symlink_to(path.with_name("absent")),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
}

A_TERABYTE: Final = 1 << 40


def hollow(path: Path, size: int = A_TERABYTE) -> None:
    """Let ``path`` be a plain file of ``size`` bytes, nearly all of them a hole: it takes no room on the disk."""
    with path.open("ab") as file:
        file.truncate(size)
