"""Put a run's summary between two markers of a document, so that its tables never are typed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pointwise_bench.report.reading.errors import ReportError

BEGIN: Final = "<!-- report:begin -->"
END: Final = "<!-- report:end -->"


def splice(path: Path, text: str) -> None:
    """Replace what stands between the markers of ``path`` by ``text``; nothing else of the file changes."""
    document = _read(path, "--splice")
    path.write_bytes(_replaced(document, text, (BEGIN, END), f"--splice {path}").encode())


def splice_claims(path: Path, texts: Mapping[str, str]) -> None:
    """The same for several texts, each between markers with its name; all of them must be there."""
    document = _read(path, "--claims")
    for name, text in texts.items():
        markers = (f"<!-- claims:{name}:begin -->", f"<!-- claims:{name}:end -->")
        document = _replaced(document, text, markers, f"--claims {path}")
    path.write_bytes(document.encode())


def _read(path: Path, option: str) -> str:
    try:
        # Bytes, not text mode: the line ends outside the markers are the author's.
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{option} {path}: cannot be read ({' '.join(str(error).split())})") from None


def _replaced(document: str, text: str, markers: tuple[str, str], where: str) -> str:
    before, begin, rest = document.partition(markers[0])
    _, end, after = rest.partition(markers[1])
    if not (begin and end) or markers[0] in rest or markers[1] in before + after:
        raise ReportError(f"{where}: needs one line '{markers[0]}' and, below it, one line '{markers[1]}'")
    # A text that held a marker, such as a name of a plugin's, could not be replaced again.
    visible = text.strip().replace("<!--", "&lt;!--")
    return f"{before}{begin}\n{visible}\n{end}{after}"
