"""Files of JSON lines that survive a power failure: appended durably, mended when opened again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.regular_files import open_regular

Line = dict[str, Any]

HOW_TO_GO_ON: Final = "what was recorded before is kept: make room, then --resume goes on with it"


class CannotRecord(Exception):
    """The system does not take what is to be recorded, as a full disk or a folder that is gone; one line says so."""


@contextmanager
def recording(path: Path) -> Iterator[None]:
    """Turn whatever the system refuses inside into ``CannotRecord`` that names ``path``."""
    try:
        yield
    except OSError as error:
        raise CannotRecord(f"{path}: cannot be written: {error.strerror or error}") from error


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


def good_lines(path: Path, is_good: Callable[[Line], bool]) -> Iterator[tuple[int, Line]]:
    """Offset and content of each line that can be used; the others, a torn last one above all, are moved aside first.

    They go to the file that :func:`damaged` names, since what somebody has written is not for us to throw away.
    """
    if not path.exists():
        return
    _move_bad_lines(path, is_good)
    offset = 0
    with path.open("rb") as file:
        for one in file:
            yield offset, json.loads(one)
            offset += len(one)


def damaged(path: Path) -> Path:
    """Where the lines of ``path`` go that cannot be used."""
    return path.with_name(f"{path.name}.damaged")


def _move_bad_lines(path: Path, is_good: Callable[[Line], bool]) -> None:
    with path.open("rb") as file:
        bad = [one for one in file if _parsed(one, is_good) is None]
    if not bad:
        return
    with recording(path):
        with damaged(path).open("ab") as aside:
            aside.writelines(one.removesuffix(b"\n") + b"\n" for one in bad)
        draft = path.with_name(f"{path.name}.draft")
        with path.open("rb") as file, draft.open("wb") as kept:
            kept.writelines(one for one in file if _parsed(one, is_good) is not None)
            kept.flush()
            os.fsync(kept.fileno())
        draft.replace(path)


def _parsed(line: bytes, is_good: Callable[[Line], bool]) -> Line | None:
    """The line's content, or None where it is torn, garbled or of another kind."""
    if not line.endswith(b"\n"):
        return None
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) and is_good(parsed) else None
