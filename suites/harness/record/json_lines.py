"""Files of JSON lines that survive a power failure: appended durably, and read where the offsets say."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from pointwise_bench.common.formats import LONGEST_LINE
from pointwise_bench.common.regular_files import open_regular

Line = dict[str, Any]

HOW_TO_GO_ON: Final = "what was recorded before is kept: make room, then --resume goes on with it"

PART: Final = 1 << 20
"""Bytes at once of what is copied, or of the rest of a line that is too long."""


class CannotRecord(Exception):
    """The system does not take what is to be recorded, as a full disk or a folder that is gone; one line says so.

    So it is where it does not give what was recorded before: without that nothing more can be.
    """


@contextmanager
def recording(path: Path, act: str = "written") -> Iterator[None]:
    """Turn whatever the system refuses inside into ``CannotRecord`` that names ``path``, and the ``act``."""
    try:
        yield
    except OSError as error:
        raise CannotRecord(f"{path}: cannot be {act}: {error.strerror or error}") from error


@contextmanager
def reading(path: Path) -> Iterator[BufferedReader]:
    """The file ``path``; ``CannotRecord`` that names it for whatever the system refuses inside."""
    with recording(path, "read"), path.open("rb") as file:
        yield file


def line_at(path: Path, offset: int) -> Line:
    """The line that begins at ``offset``; ``CannotRecord`` where the system does not give it."""
    with reading(path) as file:
        file.seek(offset)
        line: Line = json.loads(file.readline())
        return line


def append_lines(path: Path, lines: Iterable[Line]) -> list[int]:
    """Add ``lines`` in one write; on disk when this returns. Returns the offset of each in the file.

    ``CannotRecord`` where the disk does not take them; none of them is there then.
    """
    encoded = [json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n" for line in lines]
    offsets = []
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with recording(path), FileIO(open_regular(path, flags), "ab") as file:
        offset = begin = file.tell()
        for one in encoded:
            offsets.append(offset)
            offset += len(one)
        try:
            _write(file, b"".join(encoded))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(begin)  # a full disk takes the first part of a line
            raise
    return offsets


def _write(file: FileIO, content: bytes) -> None:
    """All of it: a write may take a part only, and then says how much."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def lines_in(path: Path) -> Iterator[tuple[int, Line]]:
    """Offset and content of each line, of which all can be used (:mod:`mending`); none where there is no file.

    ``CannotRecord`` where the system does not give them.
    """
    if path.exists():
        with reading(path) as file:
            for place, line in placed_lines(file):
                yield place.offset, json.loads(line)


class LinePlace(NamedTuple):
    """Where a line lies: its number from 1, its offset, and its size in bytes with its end."""

    number: int
    offset: int
    size: int


def placed_lines(file: BufferedReader) -> Iterator[tuple[LinePlace, bytes]]:
    """Every line with its place; of one that is longer than any of a run, its end included, only what shows that."""
    offset = 0
    for number in count(1):
        line = part = file.readline(LONGEST_LINE + 2)
        if not line:
            return
        size = len(line)
        while is_too_long(line) and part and not part.endswith(b"\n"):
            part = file.readline(PART)
            size += len(part)
        yield LinePlace(number, offset, size), line
        offset += size


def is_too_long(line: bytes) -> bool:
    """Whether no line of a run is as long; it has its end."""
    return len(line) > LONGEST_LINE + 1
