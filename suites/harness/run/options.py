"""The options of a run, checked before anything is measured."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from pointwise_bench.common.formats import Cache

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


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
    cache: Cache = "hot"
    seed: int | None = None
    """Of inputs and order; None draws a new one when the run starts."""


def parse_duration(text: str) -> float:
    """Seconds of ``90s``, ``10m``, ``1.5h``, ``500ms`` or a bare number of seconds; ``BadOption`` for anything else."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match.group(1)) * _SECONDS[match.group(2)] if match else 0.0
    if seconds <= 0:
        raise BadOption(f"{text!r} is not a duration: write 90s, 10m or 1.5h")
    return seconds


def parse_folder(text: str) -> Path:
    """A folder that exists or can be made, and that can be written to."""
    folder = Path(text)
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise BadOption(f"--results {text!r}: {nearest} is not a folder that can be written to")
    return folder


def parse_threads(text: str, cores: int) -> int:
    """A thread budget between 1 and the cores that this process may use."""
    if not text.isdecimal() or not 1 <= int(text) <= cores:
        raise BadOption(f"{text!r} is not a thread budget: this process may use 1 to {cores} cores")
    return int(text)


def matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The ``names`` that one of the shell ``patterns`` matches; all of them without patterns."""
    wanted = list(patterns)
    return [name for name in names if not wanted or any(fnmatchcase(name, pattern) for pattern in wanted)]
