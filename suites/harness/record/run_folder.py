"""The folder of a run on disk: ``run.json``, the cells, and the checkpoint. See docs/RESULTS_FORMAT.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import CELLS_FILE, CHECKPOINT_FILE, RUN_FILE, RUN_FORMAT
from pointwise_bench.suites.harness.record.cell_file import CellFile
from pointwise_bench.suites.harness.record.checkpoint import Checkpoint
from pointwise_bench.suites.harness.record.json_lines import recording

WORKERS: Final = "workers"
LOCK: Final = "measuring.lock"
"""Where a process that measures the run says so, see :mod:`locks`; it goes when the process ends as it should."""


class RunFolder:
    """One run's folder; ``run`` is what ``run.json`` holds, as soon as it is written again.

    Nothing in the folder is touched before it is asked for: what was torn is mended when ``cells`` or ``checkpoint``
    is opened, and not while somebody only looks for a run.
    """

    def __init__(self, folder: Path, run: dict[str, Any]) -> None:
        self.folder = folder
        self.run = run

    @cached_property
    def cells(self) -> CellFile:
        """The finished cells."""
        return CellFile(self.folder / CELLS_FILE)

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """What the run's passes have shown so far."""
        return Checkpoint(self.folder / CHECKPOINT_FILE)

    @classmethod
    def create(cls, results: Path, run: dict[str, Any]) -> RunFolder:
        """A new folder under ``results`` for ``run``, whose ``machine`` and ``started_at`` name it."""
        stamp = run["started_at"][:19].replace(":", "-") + "Z"
        folder = results / run["machine"] / stamp
        with recording(folder):
            for attempt in range(2, 100):
                try:
                    (folder / WORKERS).mkdir(parents=True)
                    break
                except FileExistsError:  # two runs within one second
                    folder = folder.with_name(f"{stamp}-{attempt}")
        run_folder = cls(folder, {"format": RUN_FORMAT} | run)
        run_folder.write()
        return run_folder

    @property
    def workers(self) -> Path:
        """Where workers' output goes."""
        return self.folder / WORKERS

    @property
    def lock(self) -> Path:
        """See :data:`LOCK`."""
        return self.folder / LOCK

    def write(self) -> None:
        """Write ``run.json`` whole or not at all. ``CannotRecord`` where the disk does not take it."""
        draft = self.folder / f"{RUN_FILE}.draft"
        with recording(self.folder / RUN_FILE):
            draft.write_text(json.dumps(self.run, indent=1) + "\n")
            draft.replace(self.folder / RUN_FILE)


def unfinished_runs(results: Path, machine: str) -> Iterator[RunFolder]:
    """The runs of ``machine`` that were not finished, the newest first."""
    found = []
    for path in (results / machine).glob(f"*/{RUN_FILE}"):
        run = _read(path)
        if run is not None and not run.get("finished_at"):
            found.append((str(run.get("started_at")), path.parent, run))
    for _, folder, run in sorted(found, key=lambda each: each[0], reverse=True):
        yield RunFolder(folder, run)


def newest_unfinished(results: Path, machine: str) -> RunFolder | None:
    """The newest run of ``machine`` that was not finished."""
    return next(unfinished_runs(results, machine), None)


def is_finished(run_folder: RunFolder) -> bool:
    """Whether the run on the disk is finished now, whatever it was when ``run_folder`` was found."""
    return bool((_read(run_folder.folder / RUN_FILE) or {}).get("finished_at"))


def _read(path: Path) -> dict[str, Any] | None:
    """What a ``run.json`` holds; None where it is no run's."""
    try:
        run = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return run if isinstance(run, dict) else None


def now(timestamp: float | None = None) -> str:
    """The present moment, or that of ``timestamp`` (seconds since 1970), in UTC, ISO 8601."""
    moment = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="milliseconds")
