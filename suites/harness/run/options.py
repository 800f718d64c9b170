"""The options of a run, checked before anything is measured."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import Cache

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
TRIED_BYTES: Final = 2**16
SEEDS: Final = 2**64


class BadOption(ValueError):
    """A value that an option cannot take: one line that names it and says what to write instead."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of one run. Times in seconds."""

    shapes: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    plugins: tuple[str, ...] = ()
    time_budget_s: float | None = None
    timeout_s: float = 60.0
    results: Path = field(default=Path("results"))
    resume: bool = False
    in_process: bool = False
    full: bool = False
    """Everybody in every pass, whatever a screening would say."""
    cache: Cache = "hot"
    seed: int | None = None
    """Of the order of turns and of the inputs of claims; None draws a new one when the run starts."""
    models: Mapping[str, Any] = field(default_factory=dict)
    """By the name of a group, the model that its layers were taken from: a ``WholeModel`` as a table."""


def parse_duration(text: str, name: str = "") -> float:
    """Seconds of ``90s``, ``10m``, ``1.5h``, ``500ms`` or a bare number of seconds; ``BadOption`` for anything else."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match.group(1)) * _SECONDS[match.group(2)] if match else 0.0
    if seconds <= 0:
        raise BadOption(f"{f'{name}: ' if name else ''}{text!r} is not a duration: write 90s, 10m or 1.5h")
    return seconds


def parse_folder(text: str, *, measures: bool = True) -> Path:
    """A folder that exists or can be made, and that takes files, which is tried where the session ``measures``."""
    if not text.strip():
        raise BadOption(f"--results {text!r}: is no folder: name one, such as results")
    folder = Path(text)
    try:
        if measures:
            _try_to_write(folder)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BadOption(f"--results {text!r}: is not a folder that can be written to ({why}): name another") from None
    return folder


def _try_to_write(folder: Path) -> None:
    """Make the folder, and a file in it of the size of a few results; and remove what was made."""
    made: list[Path] = []
    try:
        for path in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            path.mkdir()
            made.append(path)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(TRIED_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        for path in reversed(made):
            with suppress(OSError):  # another process has put something there since
                path.rmdir()


def parse_seed(text: str) -> int:
    """A seed of the order of turns and of the inputs of claims."""
    if not re.fullmatch("[0-9]{1,20}", text) or int(text) >= SEEDS:
        raise BadOption(f"--seed: {text!r} is not a seed: write a whole number from 0 to {SEEDS - 1}")
    return int(text)


def parse_threads(text: str, cores: int) -> int:
    """A thread budget between 1 and the cores that this process may use."""
    if not text.isdecimal() or not 1 <= int(text) <= cores:
        raise BadOption(f"{text!r} is not a thread budget: this process may use 1 to {cores} cores")
    return int(text)


def matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The ``names`` that one of the shell ``patterns`` matches; all of them without patterns."""
    wanted = list(patterns)
    return [name for name in names if not wanted or any(fnmatchcase(name, pattern) for pattern in wanted)]
