"""Files of JSON lines, mended when they are opened: what cannot be used is moved aside, and the first of it named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Final

from pointwise_bench.common.formats import LONGEST_LINE, MOST_LINES_OF_FILES
from pointwise_bench.suites.harness.record.json_lines import (
    PART,
    CannotRecord,
    Line,
    LinePlace,
    is_too_long,
    placed_lines,
    reading,
    recording,
)
from pointwise_bench.suites.harness.record.text import one_line

_NAMES: Final = ("claim", "backend", "problem")
"""Keys by which a line says whose it is, besides its thread budget."""
_LONGEST_NAME: Final = 80
"""Characters of each that are said."""
_MOST_THREADS: Final = 2**16
"""A larger number of them is damaged, too, and not said."""

FaultOf = Callable[[Line], str | None]
"""What is wrong with a line, beginning with its key; None where it can be used."""


@dataclass(frozen=True)
class Damage:
    """Lines of ``path`` that could not be used and were moved aside: the first, why, and how many others there were.

    ``number`` is from 1, in the file as it was.
    """

    path: Path
    number: int
    fault: str
    others: int

    def __str__(self) -> str:
        aside = damaged(self.path).name
        first = f"{self.path}, line {self.number}: {self.fault}"
        if not self.others:
            return f"{first}; it is in {aside} now"
        lines = f"{self.others:,} other line{'s' * (self.others > 1)} that cannot be used"
        return f"{first}; it and {lines} are in {aside} now"


def damaged(path: Path) -> Path:
    """Where the lines of ``path`` go that cannot be used."""
    return path.with_name(f"{path.name}.damaged")


def mend(path: Path, fault_of: FaultOf) -> Damage | None:
    """Move the lines aside that cannot be used, a torn last one above all; None where there were none.

    ``CannotRecord`` where that cannot be, or where there are more lines than any run has.

    They go to the file that :func:`damaged` names, since what somebody has written is not for us to throw away.
    """
    if not path.exists():
        return None
    first = ""
    bad: list[LinePlace] = []
    with reading(path) as file:
        for place, line in _countable(file, path):
            if (fault := _fault(line, fault_of)) is not None:
                first = first or fault  # of a million others the texts would fill the memory
                bad.append(place)
    if not bad:
        return None
    with recording(path):
        _move(bad, path)
    return Damage(path, bad[0].number, first, len(bad) - 1)


def _countable(file: BufferedReader, path: Path) -> Iterator[tuple[LinePlace, bytes]]:
    """The lines of a file that has no more of them than a run can have: what is told of each would fill the memory."""
    for place, line in placed_lines(file):
        if place.number > MOST_LINES_OF_FILES:
            raise CannotRecord(f"{path}: has over {MOST_LINES_OF_FILES:,} lines, which no such file has; remove it")
        yield place, line


def _move(bad: Sequence[LinePlace], path: Path) -> None:
    """Lines of ``path`` to where damaged ones go: first written there, and only then no longer here.

    Copied in parts: one of them may be as large as the file.
    """
    draft = path.with_name(f"{path.name}.draft")
    with path.open("rb") as file:
        with damaged(path).open("ab") as aside:
            for place in bad:
                _copy(file, place.offset, place.size, aside)
                file.seek(place.offset + place.size - 1)
                aside.write(b"" if file.read(1) == b"\n" else b"\n")
            _to_disk(aside)
        with draft.open("wb") as kept:
            begin = 0
            for place in (*bad, LinePlace(0, os.fstat(file.fileno()).st_size, 0)):
                _copy(file, begin, place.offset - begin, kept)
                begin = place.offset + place.size
            _to_disk(kept)
    draft.replace(path)


def _to_disk(file: BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())


def _copy(source: BufferedReader, offset: int, size: int, target: BufferedWriter) -> None:
    source.seek(offset)
    while size > 0 and (part := source.read(min(size, PART))):
        target.write(part)
        size -= len(part)


def _fault(line: bytes, fault_of: FaultOf) -> str | None:
    """What is wrong with a line, and whose it is as far as it says so; None where it can be used."""
    if is_too_long(line):
        return f"is longer than {LONGEST_LINE:,} bytes, which no line of a run is"
    if not line.endswith(b"\n"):
        return "is torn, its end is missing"
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return "is no JSON"
    if not isinstance(parsed, dict):
        return "is no object"
    fault = fault_of(parsed)
    return None if fault is None else f"{_whose(parsed)}{fault}"


def _whose(line: Line) -> str:
    """``numpy-matmul n1c8h4w4-o8 (2 threads): ``, or as much of it as a line has."""
    names = [one_line(value, _LONGEST_NAME) for key in _NAMES if isinstance(value := line.get(key), str) and value]
    threads = line.get("threads")
    if isinstance(threads, int) and not isinstance(threads, bool) and 0 < threads <= _MOST_THREADS:
        names.append(f"({threads} thread{'s' * (threads > 1)})")
    return f"{' '.join(names)}: " if names else ""
