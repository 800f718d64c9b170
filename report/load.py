"""A run on disk, read into typed cells (the format is described in docs/RESULTS_FORMAT.md)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backends.problem import Problem
from report.errors import ReportError
from report.order_statistics import Clusters
from report.verdicts import Series

FORMAT: Final = 1
OK: Final = "ok"

Seconds = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Place:
    """Where a problem appears: shape group, name of the layer in it, and how often the group has it."""

    group: str
    name: str
    count: int


@dataclass(frozen=True)
class Cell:
    """One backend on one problem with one thread budget. Times in seconds; NaN where nothing was measured."""

    backend: str
    problem: Problem
    threads: int
    places: tuple[Place, ...]
    device: str
    status: str
    reason: str
    output: str
    samples: Seconds
    rounds: Whole
    processes: Whole
    device_samples: Seconds
    canary: Seconds
    calls: int | None
    error_ratio: float
    prepare_s: float
    first_call_s: float
    cpu_over_wall: float
    page_faults_per_call: float
    peak_rss_bytes: float
    isolation: str
    cache: str

    @property
    def timed(self) -> bool:
        """Whether there is a time to show."""
        return self.status == OK and self.samples.size > 0

    @property
    def series(self) -> Series:
        """What a comparison needs of it."""
        return Series.of(self.samples, self.rounds, self.processes)

    @property
    def clusters(self) -> Clusters:
        """The samples, by the start of the worker that they are from."""
        return Clusters.of(self.samples, self.processes)

    @property
    def comparable(self) -> bool:
        """Whether its time may enter a ratio: without a worker of its own, other backends' threads disturbed it."""
        return self.timed and self.isolation != "in-process"


@dataclass(frozen=True)
class Run:
    """One folder ``results/<machine>/<UTC time>``; ``settings`` is its run.json as it is."""

    folder: Path
    machine: str
    name: str
    started_at: str
    settings: Mapping[str, Any]
    cells: tuple[Cell, ...]
    ignored_lines: int

    @property
    def backends(self) -> list[str]:
        """Every backend that has a cell, whatever became of it, by name."""
        return sorted({cell.backend for cell in self.cells})


def load_run(folder: Path) -> Run:
    """The run in ``folder``; :class:`ReportError` where there is none or it cannot be read."""
    settings = _settings(folder)
    resolved = folder.resolve()
    cells, ignored = _cells(folder / "cells.jsonl")
    return Run(
        folder=folder,
        machine=str(settings.get("machine") or resolved.parent.name),
        name=resolved.name,
        started_at=str(settings.get("started_at") or ""),
        settings=settings,
        cells=cells,
        ignored_lines=ignored,
    )


def newest_run(results: Path) -> Path:
    """The folder under ``results`` whose run.json has the latest ``started_at``."""
    if not results.is_dir():
        raise ReportError(
            f"{results}: no such folder of results; make a run with 'pytest suites/ --benchmark-only' "
            "or name the folder with --results"
        )
    dated: list[tuple[str, Path]] = []
    broken: list[ReportError] = []
    for path in sorted(results.glob("*/*/run.json")):
        try:
            dated.append((str(_settings(path.parent).get("started_at") or ""), path.parent))
        except ReportError as error:
            broken.append(error)
    # One damaged folder does not hide the good ones; it is named when there is nothing else.
    if dated:
        return max(dated)[1]
    if broken:
        raise broken[0]
    raise ReportError(
        f"{results}: holds no run (<machine>/<UTC time>/run.json); make one with 'pytest suites/ --benchmark-only'"
    )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    if not folder.is_dir():
        raise ReportError(f"{folder}: no such run folder; runs are results/<machine>/<UTC time>")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReportError(f"{folder}: holds no run.json; name a run folder, results/<machine>/<UTC time>") from None
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ReportError(f"{path}: cannot be read ({reason}); restore the file or remove the run") from None
    if not isinstance(settings, dict) or not isinstance(settings.get("format"), int):
        raise ReportError(
            f"{path}: is not the record of a run (no whole number 'format'); restore it or remove the run"
        )
    # A newer format may have sections of another kind: its number is looked at first.
    if settings["format"] > FORMAT:
        raise ReportError(
            f"{path}: has format {settings['format']}, newer than {FORMAT}, the last known here; update pointwise-bench"
        )
    for key, kind in (("environment", dict), ("canary", dict), ("ceilings", list)):
        if not isinstance(settings.get(key) or kind(), kind):
            raise ReportError(f"{path}: '{key}' is not as in docs/RESULTS_FORMAT.md; restore it or remove the run")
    return settings


def _cells(path: Path) -> tuple[tuple[Cell, ...], int]:
    """The cells, and how many lines could not be used: torn by a crash, or from a version with other problems."""
    if not path.exists():
        return (), 0
    found: dict[tuple[str, str, int], Cell] = {}
    ignored = 0
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        if not line.strip():
            continue
        try:
            cell = _cell(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            ignored += 1
            continue
        # A resumed run may measure a cell again; the later line is the one its worker finished.
        found[cell.backend, cell.problem.id, cell.threads] = cell
    return tuple(found.values()), ignored


def _cell(line: Mapping[str, Any]) -> Cell:
    count = len(line.get("samples_s") or ())
    return Cell(
        backend=str(line["backend"]),
        problem=Problem.parse(line["problem"]),
        threads=int(line["threads"]),
        places=tuple(_places(line)),
        device=str(line.get("device") or "cpu"),
        status=str(line["status"]),
        reason=str(line.get("reason") or ""),
        output=str(line.get("output") or "fresh"),
        samples=_seconds(line.get("samples_s")),
        rounds=np.asarray(line.get("round") or range(count), dtype=np.int64),
        processes=np.asarray(line.get("process") or [0] * count, dtype=np.int64),
        device_samples=_seconds(line.get("device_samples_s")),
        canary=_seconds(line.get("canary_s")),
        calls=int(line["calls"]) if line.get("calls") is not None else None,
        error_ratio=_number(line.get("error_ratio")),
        prepare_s=_number(line.get("prepare_s")),
        first_call_s=_number(line.get("first_call_s")),
        cpu_over_wall=_number(line.get("cpu_over_wall")),
        page_faults_per_call=_number(line.get("page_faults_per_call")),
        peak_rss_bytes=_number(line.get("peak_rss_bytes")),
        isolation=str(line.get("isolation") or "worker"),
        cache=str(line.get("cache") or "hot"),
    )


def _places(line: Mapping[str, Any]) -> Iterable[Place]:
    for place in (line, *(line.get("also") or ())):
        count = place.get("count")
        yield Place(str(place.get("group") or ""), str(place.get("name") or ""), 1 if count is None else int(count))


def _seconds(values: Any) -> Seconds:
    return np.asarray(values or (), dtype=np.float64)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
