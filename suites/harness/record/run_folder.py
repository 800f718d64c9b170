"""The folder of a run on disk: ``run.json``, the cells, and the checkpoint. See docs/RESULTS_FORMAT.md."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import CELLS_FILE, CHECKPOINT_FILE, RUN_FILE, RUN_FORMAT
from pointwise_bench.suites.harness.record.cell_file import CellFile
from pointwise_bench.suites.harness.record.checkpoint import Checkpoint

WORKERS: Final = "workers"


class RunFolder:
    """One run's folder; ``run`` is what ``run.json`` holds, as soon as it is written again."""

    def __init__(self, folder: Path, run: dict[str, Any]) -> None:
        self.folder = folder
        self.run = run
        self.cells = CellFile(folder / CELLS_FILE)
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
        run_folder = cls(folder, {"format": RUN_FORMAT} | run)
        run_folder.write()
        return run_folder

    @property
    def workers(self) -> Path:
        """Where workers' output goes."""
        return self.folder / WORKERS

    def write(self) -> None:
        """Write ``run.json`` whole or not at all."""
        draft = self.folder / f"{RUN_FILE}.draft"
        draft.write_text(json.dumps(self.run, indent=1) + "\n")
        draft.replace(self.folder / RUN_FILE)


def newest_unfinished(results: Path, machine: str) -> RunFolder | None:
    """The newest run of ``machine`` that was not finished, its torn lines cut out."""
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
