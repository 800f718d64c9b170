"""``cells.jsonl``: where a cell is written, a line for each, and read again. See docs/RESULTS_FORMAT.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointwise_bench.common.status import OK, Status
from pointwise_bench.suites.harness.record.cell import Cell, CellKey
from pointwise_bench.suites.harness.record.json_lines import append_lines, line_at, lines_in

if TYPE_CHECKING:
    from pointwise_bench.suites.harness.record.mending import Damage


class CellFile:
    """The finished cells of one run. Knows where each lies on the disk and keeps none in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets: dict[CellKey, int] = {}
        self._statuses: Counter[Status] = Counter()
        self.failed: set[CellKey] = set()
        """Cells without a valid time."""
        self.damage = _mended(path)
        """What could not be used of the file as it was found."""
        for offset, line in lines_in(path):
            self._note(_cell(line), offset)

    def append(self, cells: Sequence[Cell]) -> None:
        """Add finished cells in one write; on disk when this returns."""
        for cell, offset in zip(cells, append_lines(self._path, map(vars, cells)), strict=True):
            self._note(cell, offset)

    def __contains__(self, key: CellKey) -> bool:
        return key in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, key: CellKey) -> Cell:
        """A finished cell. ``KeyError`` where there is none."""
        return _cell(line_at(self._path, self._offsets[key]))

    def __iter__(self) -> Iterator[Cell]:
        """All finished cells, one at a time, in the order in which they were finished."""
        return map(self.__getitem__, self._offsets)

    @property
    def statuses(self) -> dict[str, int]:
        """How many cells there are of each status."""
        return dict(sorted(self._statuses.items()))

    def _note(self, cell: Cell, offset: int) -> None:
        self._offsets[cell.key] = offset
        self._statuses[cell.status] += 1
        if cell.status != OK:
            self.failed.add(cell.key)


def _mended(path: Path) -> Damage | None:
    if not path.exists():
        return None
    from pointwise_bench.suites.harness.record.mending import mend  # whoever resumes a run needs it, and few else

    return mend(path, _fault)


def _fault(line: dict[str, Any]) -> str | None:
    from pointwise_bench.suites.harness.record.typed_lines import misfit

    return misfit(line, Cell, more=True)


def _cell(line: dict[str, Any]) -> Cell:
    known = {each.name for each in fields(Cell)}
    return Cell(**{name: value for name, value in line.items() if name in known})
