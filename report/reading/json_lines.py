"""Lines of JSON from a file that may hold anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import LONGEST_LINE, MOST_LINES_BYTES, MOST_LINES_OF_FILES
from pointwise_bench.common.regular_files import NotRegular, TooLarge, open_sized, read_regular
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.value_readers import Defect, visible

_PART: Final = 1 << 20
"""Bytes at once of the rest of a line that is too long: none of it is kept."""


def bytes_of(path: Path, most: int) -> bytes:
    """The file's content; :class:`ReportError` where the system does not give it, or it is no plain file.

    So it is, too, where it has over ``most`` bytes, and then none of it is read.

    A run may be a stranger's: a link in it could lead to any file of the reader's, of a named pipe one would wait for
    the other end, and a device has no end.
    """
    try:
        return read_regular(path, most)
    except OSError as error:
        raise _refused(path, error) from None


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """``(number, line)`` of every line that is not blank, from 1; none where there is no file.

    Of a line that is longer than any of a run only so much as shows it. :class:`ReportError` as of :func:`bytes_of`.
    """
    if not os.path.lexists(path):
        return
    try:
        with open_sized(path, MOST_LINES_BYTES) as file:
            for number, line in enumerate(_lines(file), 1):
                if number > MOST_LINES_OF_FILES:
                    raise TooLarge(f"it has over {MOST_LINES_OF_FILES:,} lines, which no such file has")
                if line.strip():
                    yield number, line
    except OSError as error:
        raise _refused(path, error) from None


def _lines(file: BufferedReader) -> Iterator[bytes]:
    """Without their ends; of one that is too long a byte more than a line may have."""
    while line := file.readline(LONGEST_LINE + 1):
        rest = line
        while len(line) > LONGEST_LINE and rest and not rest.endswith(b"\n"):
            rest = file.readline(_PART)
        yield line.removesuffix(b"\n")


def _refused(path: Path, error: OSError) -> ReportError:
    why = "it is a link" if path.is_symlink() else str(error.strerror)
    why = "it is no plain file" if isinstance(error, NotRegular) else why
    why = str(error) if isinstance(error, TooLarge) else why
    reason = f"cannot be read ({why})"
    return ReportError(f"{path}: {reason}; restore the file or remove the run", reason)


def json_of_line(line: bytes) -> Any:
    """As :func:`json_of`, of one line of a file; :class:`Defect` also where no line of a run is as long."""
    if len(line) > LONGEST_LINE:
        raise Defect(f"is longer than {LONGEST_LINE:,} bytes, which no line of a run is")
    return json_of(line)


def json_of(data: bytes) -> Any:
    """The value in ``data``; :class:`Defect` where it is no JSON in UTF-8, the encoding of every run."""
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Defect(f"not UTF-8 (byte {data[error.start]:#04x} at {error.start})") from None
    except RecursionError:
        raise Defect("not JSON that can be read (nested too deeply)") from None
    except MemoryError:
        raise Defect("not JSON that can be read (the memory does not suffice)") from None
    except ValueError as error:
        raise Defect(f"not JSON that can be read ({visible(str(error))})") from None
