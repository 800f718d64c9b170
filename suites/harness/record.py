"""A run on disk: ``run.json`` once, ``cells.jsonl`` line by line. See docs/RESULTS_FORMAT.md."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from suites.harness.outcome import Status

FORMAT: Final = 1
RUN, CELLS, WORKERS = "run.json", "cells.jsonl", "workers"

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Place:
    """Where a problem stands in the catalogue: a problem of several networks has several places."""

    group: str
    name: str
    count: int = 1


@dataclass
class Cell:
    """The result of one backend on one problem with one thread budget. Times in seconds."""

    backend: str
    problem: str
    threads: int
    group: str
    name: str
    count: int
    device: str
    output: str
    isolation: str
    started_at: str
    status: Status = "ok"
    reason: str = ""
    also: list[dict[str, Any]] = field(default_factory=list)
    samples_s: list[float] = field(default_factory=list)
    calls: int = 0
    device_samples_s: list[float] = field(default_factory=list)
    process: list[int] = field(default_factory=list)
    canary_s: list[float] = field(default_factory=list)
    error_ratio: float | None = None
    prepare_s: float | None = None
    first_call_s: float | None = None
    cpu_over_wall: float | None = None
    peak_rss_bytes: int | None = None

    @property
    def key(self) -> Key:
        """What identifies a cell within a run."""
        return (self.backend, self.problem, self.threads)

    def end(self, status: Status, reason: str) -> None:
        """Close the cell without a result: a number that was not earned is not kept."""
        self.status, self.reason = status, reason
        self.samples_s, self.device_samples_s, self.process, self.canary_s = [], [], [], []
        self.cpu_over_wall = None

    @property
    def timed_s(self) -> float:
        """Seconds spent inside timed calls."""
        return sum(self.samples_s) * self.calls


class Record:
    """One run's folder."""

    def __init__(self, folder: Path, run: dict[str, Any]) -> None:
        self.folder = folder
        self.run = run

    @classmethod
    def create(cls, results: Path, run: dict[str, Any]) -> Record:
        """A new folder under ``results`` for ``run``, whose ``machine`` and ``started_at`` name it."""
        stamp = run["started_at"][:19].replace(":", "-") + "Z"
        folder = results / run["machine"] / stamp
        for attempt in range(2, 100):
            try:
                (folder / WORKERS).mkdir(parents=True)
                break
            except FileExistsError:  # two runs within one second
                folder = folder.with_name(f"{stamp}-{attempt}")
        record = cls(folder, {"format": FORMAT} | run)
        record.write()
        return record

    @property
    def workers(self) -> Path:
        """Where workers' output goes."""
        return self.folder / WORKERS

    def write(self) -> None:
        """Write ``run.json`` whole or not at all."""
        draft = self.folder / f"{RUN}.draft"
        draft.write_text(json.dumps(self.run, indent=1) + "\n")
        draft.replace(self.folder / RUN)

    def append(self, cells: Iterable[Cell]) -> None:
        """Add finished cells in one write; on disk when this returns."""
        lines = "".join(json.dumps(asdict(cell), separators=(",", ":")) + "\n" for cell in cells)
        if lines:
            with (self.folder / CELLS).open("a") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())

    def cells(self) -> Iterator[Cell]:
        """The cells on disk; a last line that was torn in writing is left out."""
        known = {each.name for each in fields(Cell)}
        for line in _lines(self.folder / CELLS):
            try:
                values = json.loads(line)
            except ValueError:
                continue
            yield Cell(**{name: value for name, value in values.items() if name in known})

    def drop_torn_line(self) -> None:
        """Cut off a last line without its end, so that the next one starts on a line of its own."""
        path = self.folder / CELLS
        if path.exists():
            text = path.read_bytes()
            os.truncate(path, text.rfind(b"\n") + 1)


def unfinished_runs(results: Path, machine: str) -> list[Record]:
    """Runs of ``machine`` that did not end by themselves, newest first."""
    found = []
    for path in (results / machine).glob(f"*/{RUN}"):
        try:
            run = json.loads(path.read_text())
        except ValueError:
            continue
        if not run.get("finished_at"):
            found.append(Record(path.parent, run))
    return sorted(found, key=lambda record: str(record.run.get("started_at")), reverse=True)


def now() -> str:
    """The present moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
