"""Put a run's summary between two markers of a document, so that its tables never are typed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from report.errors import ReportError

BEGIN: Final = "<!-- report:begin -->"
END: Final = "<!-- report:end -->"


def splice(path: Path, text: str) -> None:
    """Replace what stands between the markers of ``path`` by ``text``; nothing else of the file changes."""
    try:
        # Bytes, not text mode: the line ends outside the markers are the author's.
        document = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"--splice {path}: cannot be read ({' '.join(str(error).split())})") from None
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise ReportError(f"--splice {path}: needs one line '{BEGIN}' and, below it, one line '{END}'")
    path.write_bytes(f"{before}{begin}\n{text.strip()}\n{end}{after}".encode())
