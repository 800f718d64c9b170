"""Tells texts apart by their first line that speaks for itself, and reads them within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from pointwise_bench.harvest.operations import HarvestedModel, HarvestError, Operation
from pointwise_bench.harvest.texts import benchdnn, deepbench, fvcore_table, torchinfo_table, verbose_log

LARGEST: Final = 64 << 20
"""Bytes. A log of a day is larger, and has nothing new behind that."""
MOST_LINES: Final = 1_000_000
MOST_LAYERS: Final = 50_000
"""To read them takes three seconds."""
MOST_LINES_BEFORE: Final = 100_000
"""Lines that are looked at for one that tells of which kind the text is."""
_LONGEST_LINE: Final = 4_000
"""Characters. Lines of these texts have a tenth of it."""


class TextKind(NamedTuple):
    """One kind of text."""

    title: str
    is_line: Callable[[str], bool]
    operations: Callable[[Iterable[str]], Iterable[Operation]]


TEXT_KINDS: Final = (
    TextKind("log of oneDNN", verbose_log.is_line, verbose_log.operations),
    TextKind("table of torchinfo, which tells no activations", torchinfo_table.is_line, torchinfo_table.operations),
    TextKind(
        "table of fvcore, which tells no strides, groups or activations", fvcore_table.is_line, fvcore_table.operations
    ),
    TextKind("batch file of benchdnn", benchdnn.is_line, benchdnn.operations),
    TextKind("list of DeepBench", deepbench.is_line, deepbench.operations),
)


def from_file(path: Path, title: str) -> HarvestedModel | None:
    """The layers that the text tells of; None where it is none of these. Raises ``HarvestError``."""
    lines = _lines(path)
    kind = next((kind for line in lines[:MOST_LINES_BEFORE] for kind in TEXT_KINDS if kind.is_line(line)), None)
    if kind is None:
        return None
    found: list[Operation] = []
    try:
        for operation in kind.operations(lines):
            found.append(operation)
            if len(found) > MOST_LAYERS:
                raise HarvestError(f"more than {MOST_LAYERS:,} layers; give a part of it")
    except HarvestError as error:
        raise HarvestError(f"{title}: {error}") from None
    return HarvestedModel(title, kind.title, tuple(found))


def _lines(path: Path) -> list[str]:
    """The lines of a text; none where it is no text. What is longer than any line of these is cut off."""
    if path.stat().st_size > LARGEST:
        return []
    content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" in content[:4096] or content.count(b"\n") > MOST_LINES:
        return []
    try:
        return [line[:_LONGEST_LINE] for line in content.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError:
        return []
