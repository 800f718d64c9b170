"""The folder of a run on disk: ``run.json``, the cells, and the checkpoint. See docs/RESULTS_FORMAT.md."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import (
    CELLS_FILE,
    CHECKPOINT_FILE,
    CLAIMS_FILE,
    CONTROLS_FILE,
    MOST_LINES_BYTES,
    MOST_RUN_BYTES,
    RUN_FILE,
    RUN_FORMAT,
)
from pointwise_bench.common.regular_files import oversize, read_regular, write_whole
from pointwise_bench.suites.harness.record.cell_file import CellFile
from pointwise_bench.suites.harness.record.checkpoint import Checkpoint
from pointwise_bench.suites.harness.record.json_lines import recording

WORKERS: Final = "workers"
LOCK: Final = "measuring.lock"
"""Where a process that measures the run says so, see :mod:`locks`; it goes when the process ends as it should."""


MOST_S: Final = 1e12
"""Seconds. No run has taken more."""


class RunFolder:
    """One run's folder; ``run`` is what ``run.json`` holds, as soon as it is written again.

    Nothing in the folder is touched before it is asked for: what was torn is mended when ``cells``, ``checkpoint`` or
    ``controls`` is opened, and not while somebody only looks for a run.
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

    @cached_property
    def controls(self) -> CellFile:
        """The cells of the controls, in a file of their own: they are no choice for a user."""
        return CellFile(self.folder / CONTROLS_FILE)

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
        with recording(self.folder / RUN_FILE):
            write_whole(self.folder / RUN_FILE, json.dumps(self.run, indent=1) + "\n")


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


_FILES_OF_LINES: Final = (CELLS_FILE, CHECKPOINT_FILE, CLAIMS_FILE, CONTROLS_FILE)
_KEPT: Final[dict[str, type]] = {"options": dict, "environment": dict, "ceilings": list, "passes": list}
_LATER: Final[dict[str, type]] = {
    "libraries": dict,
    "ran": dict,
    "properties": dict,
    "in_sequence": list,
    "totals": dict,
}


def misplaced(folder: Path) -> Path | None:
    """What lies in a run's folder that nobody who measures has put there: a link, a pipe, or a folder for a file.

    Somebody else's folder could let whoever goes on with it write into his own files, or wait for ever.
    """
    for part in sorted(folder.iterdir()):
        kind = part.lstat().st_mode
        is_file = part.name.startswith((RUN_FILE, *_FILES_OF_LINES))
        if not ((stat.S_ISREG(kind) and part.name != WORKERS) or (stat.S_ISDIR(kind) and not is_file)):
            return part
    return None


def too_large(folder: Path) -> str | None:
    """A file in a run's folder that is larger than any of its kind, and by how much; None where all can be read."""
    for name in _FILES_OF_LINES:
        if (fault := oversized(folder / name, MOST_LINES_BYTES)) is not None:
            return f"{folder / name}: {fault}"
    return None


def oversized(path: Path, most: int = MOST_RUN_BYTES) -> str | None:
    """How much too large a file is, which may not be there; by itself a ``run.json``."""
    try:
        size = path.lstat().st_size
    except OSError:
        return None
    return oversize(size, most) if size > most else None


def fault_of(run: dict[str, Any]) -> str | None:
    """Why a run cannot be gone on with that ``run.json`` tells of, in words; None where it can."""
    number = run.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        return "has no format"
    if number > RUN_FORMAT:
        return f"has format {number}, newer than {RUN_FORMAT}, the last known here; update pointwise-bench"
    damaged = next(_damaged_keys(run), None)
    return None if damaged is None else f"{damaged} cannot be read"


def _damaged_keys(run: dict[str, Any]) -> Iterator[str]:
    """Keys that do not hold what whoever resumes a run reads of them."""
    kinds = _KEPT | {key: kind for key, kind in _LATER.items() if key in run}
    yield from (key for key, kind in kinds.items() if not isinstance(run.get(key), kind))
    if isinstance(look := run.get("first_look"), bool) or not isinstance(look, int) or look < 1:
        yield "first_look"
    seed, totals = run["options"].get("seed"), run.get("totals", {})
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0 or "time_budget_s" not in run["options"]:
        yield "options"
    if not isinstance(run["environment"].get("packages"), dict):
        yield "environment"
    if totals and not all(_is_time(totals.get(key)) for key in ("wall_s", "timed_s")):
        yield "totals"


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_S


def _read(path: Path) -> dict[str, Any] | None:
    """What a ``run.json`` holds; None where it is no run's."""
    try:
        run = json.loads(read_regular(path, MOST_RUN_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return run if isinstance(run, dict) else None


def now(timestamp: float | None = None) -> str:
    """The present moment, or that of ``timestamp`` (seconds since 1970), in UTC, ISO 8601."""
    moment = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="milliseconds")
