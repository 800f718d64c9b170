"""A run on disk: ``run.json`` once, ``cells.jsonl`` line by line. See docs/RESULTS_FORMAT.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import CELLS_FILE, CHECKPOINT_FILE, RUN_FILE, RUN_FORMAT
from pointwise_bench.common.status import OK, Status
from pointwise_bench.suites.harness.record.cell import Cell, CellKey
from pointwise_bench.suites.harness.record.checkpoint import Checkpoint
from pointwise_bench.suites.harness.record.json_lines import append_lines, good_lines

WORKERS: Final = "workers"


class RunFolder:
    """One run's folder. Knows where each cell lies on the disk and keeps none in memory."""

    def __init__(self, folder: Path, run: dict[str, Any]) -> None:
        self.folder = folder
        self.run = run
        self._cells = folder / CELLS_FILE
        self._places: dict[CellKey, int] = {}
        self._statuses: Counter[Status] = Counter()
        self.failed: set[CellKey] = set()
        """Cells without a valid time."""
        for offset, line in good_lines(self._cells, _is_cell):
            self._note(_cell(line), offset)
        self.checkpoint = Checkpoint(folder / CHECKPOINT_FILE)

    @classmethod
    def create(cls, results: Path, run: dict[str, Any]) -> RunFolder:
        """A new folder under ``results`` for ``run``, whose ``machine`` and ``started_at`` name it."""
        stamp = run["started_at"][:19].replace(":", "-") + "Z"
        folder = results / run["machine"] / stamp
        for attempt in range(2, 100):
            try:
                (folder / WORKERS).mkdir(parents=True)
                break
            except FileExistsError:  # two runs within one second
                folder = folder.with_name(f"{stamp}-{attempt}")
        record = cls(folder, {"format": RUN_FORMAT} | run)
        record.write()
        return record

    @property
    def workers(self) -> Path:
        """Where workers' output goes."""
        return self.folder / WORKERS

    def write(self) -> None:
        """Write ``run.json`` whole or not at all."""
        draft = self.folder / f"{RUN_FILE}.draft"
        draft.write_text(json.dumps(self.run, indent=1) + "\n")
        draft.replace(self.folder / RUN_FILE)

    def append(self, cells: Sequence[Cell]) -> None:
        """Add finished cells in one write; on disk when this returns."""
        for cell, offset in zip(cells, append_lines(self._cells, map(asdict, cells)), strict=True):
            self._note(cell, offset)

    def __contains__(self, key: CellKey) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def cell(self, key: CellKey) -> Cell:
        """A finished cell. ``KeyError`` where there is none."""
        with self._cells.open("rb") as file:
            file.seek(self._places[key])
            return _cell(json.loads(file.readline()))

    def cells(self) -> Iterator[Cell]:
        """All finished cells, one at a time, in the order in which they were finished."""
        return map(self.cell, self._places)

    @property
    def statuses(self) -> dict[str, int]:
        """How many cells ended how, by status."""
        return dict(sorted(self._statuses.items()))

    def _note(self, cell: Cell, offset: int) -> None:
        self._places[cell.key] = offset
        self._statuses[cell.status] += 1
        if cell.status != OK:
            self.failed.add(cell.key)


def newest_unfinished(results: Path, machine: str) -> RunFolder | None:
    """The newest run of ``machine`` that did not end by itself, its torn lines cut out."""
    found = []
    for path in (results / machine).glob(f"*/{RUN_FILE}"):
        try:
            run = json.loads(path.read_text())
        except ValueError:
            continue
        if isinstance(run, dict) and not run.get("finished_at"):
            found.append((str(run.get("started_at")), path.parent, run))
    if not found:
        return None
    _, folder, run = max(found, key=lambda each: each[0])
    return RunFolder(folder, run)


def now(timestamp: float | None = None) -> str:
    """The present moment, or that of ``timestamp`` (seconds since 1970), in UTC, ISO 8601."""
    moment = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="milliseconds")


def _is_cell(line: dict[str, Any]) -> bool:
    return {"backend", "problem", "threads", "status"} <= line.keys()


def _cell(line: dict[str, Any]) -> Cell:
    known = {each.name for each in fields(Cell)}
    return Cell(**{name: value for name, value in line.items() if name in known})
