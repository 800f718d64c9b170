"""Lines of JSON from a file that may hold anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pointwise_bench.common.regular_files import NotRegular, open_regular
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.value_readers import Defect, visible


def bytes_of(path: Path, most: int | None = None) -> bytes:
    """The file's content; :class:`ReportError` where the system does not give it, or it is no plain file.

    So it is, too, where it has over ``most`` bytes.

    A run may be a stranger's: a link in it could lead to any file of the reader's, of a named pipe one would wait for
    the other end, and a device has no end.
    """
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            data = file.read() if most is None else file.read(most + 1)
            if most is None or len(data) <= most:
                return data
            why = f"it has over {most:,} bytes"
    except NotRegular:
        why = "it is no plain file"
    except OSError as error:
        why = "it is a link" if path.is_symlink() else str(error.strerror)
    raise ReportError(f"{path}: cannot be read ({why}); restore the file or remove the run")


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """``(number, line)`` of every line that is not blank, from 1; none where there is no file."""
    if os.path.lexists(path):
        yield from ((number, line) for number, line in enumerate(bytes_of(path).split(b"\n"), 1) if line.strip())


def json_of(data: bytes) -> Any:
    """The value in ``data``; :class:`Defect` where it is no JSON in UTF-8, the encoding of every run."""
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Defect(f"not UTF-8 (byte {data[error.start]:#04x} at {error.start})") from None
    except RecursionError:
        raise Defect("not JSON that can be read (nested too deeply)") from None
    except ValueError as error:
        raise Defect(f"not JSON that can be read ({visible(str(error))})") from None
