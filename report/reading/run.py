"""A run on disk, read into typed cells (the format is described in docs/RESULTS_FORMAT.md)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.backends.problem import Problem
from pointwise_bench.common.formats import CELLS_FILE, RUN_FILE, RUN_FORMAT
from pointwise_bench.common.status import OK
from pointwise_bench.report.claims.reading import Claims, load_claims
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.json_lines import bytes_of, json_of, lines_of
from pointwise_bench.report.reading.run_format import PASS, PLACE, SETTINGS, key_of, read_cell
from pointwise_bench.report.reading.value_readers import Defect, Reader, list_of, object_of, shown, visible
from pointwise_bench.report.statistics.order_statistics import Clusters
from pointwise_bench.report.statistics.verdicts import Series

Seconds = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class ReadPlace:
    """Where a problem appears: shape group, name of the layer in it, and how often the group has it."""

    group: str
    name: str
    count: int


@dataclass(frozen=True)
class ReadCell:
    """One backend on one problem with one thread budget. Times in seconds; NaN where nothing was measured.

    ``round`` and ``process`` go with ``samples``, entry by entry: the same number of ``round`` in two cells of one
    problem and thread budget is the same stretch of time, and ``process`` counts the starts of the worker.
    """

    backend: str
    problem: Problem
    threads: int
    places: tuple[ReadPlace, ...]
    device: str
    status: str
    reason: str
    output: str
    samples: Seconds
    device_samples: Seconds
    canary: Seconds
    round: Numbers
    process: Numbers
    calls: int | None
    error_ratio: float
    prepare_s: float
    first_call_s: float
    cpu_over_wall: float
    peak_rss_bytes: float
    page_faults_per_call: float
    isolation: str
    cache: str
    arithmetic: str

    @property
    def timed(self) -> bool:
        """Whether there is a time to show."""
        return self.status == OK and self.samples.size > 0

    @property
    def series(self) -> Series:
        """What a comparison needs of it."""
        return Series.of(self.samples, self.round, self.process)

    @property
    def clusters(self) -> Clusters:
        """The samples, by the start of the worker that they are from."""
        return Clusters.of(self.samples, self.process)

    @property
    def comparable(self) -> bool:
        """Whether its time may enter a ratio.

        Not without a worker of its own, as other backends' threads disturbed it; nor in a reduced precision, which is
        another question than the problem's.
        """
        return self.timed and self.isolation != "in-process" and self.arithmetic == "own"


@dataclass(frozen=True)
class Run:
    """One folder ``results/<machine>/<UTC time>``.

    ``settings`` is its run.json, the keys of ``validation.SETTINGS`` as read by that table. ``defects`` are sentences,
    one for each line or key that could not be used and was left out.
    """

    folder: Path
    machine: str
    name: str
    started_at: str
    settings: Mapping[str, Any]
    cells: tuple[ReadCell, ...]
    claims: Claims
    defects: tuple[str, ...]

    @property
    def backends(self) -> list[str]:
        """Every backend that has a cell, whatever became of it, by name."""
        return sorted({cell.backend for cell in self.cells})


def load_run(folder: Path) -> Run:
    """The run in ``folder``; :class:`ReportError` where there is none or it cannot be read."""
    settings = _settings(folder)
    settings["passes"], defects = _passes(settings.get("passes"))
    resolved = folder.resolve()
    cells, left_out = _cells(folder / CELLS_FILE)
    claims = load_claims(folder, settings.get("claims"))
    return Run(
        folder=folder,
        machine=settings["machine"] or visible(resolved.parent.name),
        name=visible(resolved.name),
        started_at=settings["started_at"],
        settings=settings,
        cells=cells,
        claims=claims,
        defects=(*defects, *left_out, *claims.defects),
    )


def newest_run(results: Path) -> tuple[Path, list[str]]:
    """The folder under ``results`` whose run.json has the latest start, and a sentence on each damaged one."""
    if not results.is_dir():
        raise ReportError(
            f"{results}: no such folder of results; make a run with 'pytest suites/ --benchmark-only' "
            "or name the folder with --results"
        )
    dated: list[tuple[str, Path]] = []
    broken: list[ReportError] = []
    for path in sorted(results.glob(f"*/*/{RUN_FILE}")):
        try:
            dated.append((_settings(path.parent)["started_at"], path.parent))
        except ReportError as error:
            broken.append(error)
    # One damaged folder does not hide the good ones.
    if dated:
        return max(dated)[1], [f"{error} (passed over in looking for the newest run)" for error in broken]
    if broken:
        raise broken[0]
    raise ReportError(
        f"{results}: holds no run (<machine>/<UTC time>/run.json); make one with 'pytest suites/ --benchmark-only'"
    )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / RUN_FILE
    if not folder.is_dir():
        raise ReportError(f"{folder}: no such run folder; runs are results/<machine>/<UTC time>")
    if not path.exists():
        raise ReportError(f"{folder}: holds no run.json; name a run folder, results/<machine>/<UTC time>")
    try:
        settings = json_of(bytes_of(path))
        if not isinstance(settings, dict):
            raise Defect(f"is {shown(settings)}, not an object")
        number = settings.get("format")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise Defect(f"is {shown(number)}, not a whole number of at least 1", "format")
        # A newer format may have sections of another kind: its number is looked at before they are.
        if number > RUN_FORMAT:
            raise ReportError(
                f"{path}: has format {shown(number)}, newer than {RUN_FORMAT}, the last known here; "
                "update pointwise-bench"
            )
        checked: dict[str, Any] = settings | object_of(SETTINGS)(settings)
        return checked
    except Defect as defect:
        raise ReportError(f"{path}: {defect}; restore the file or remove the run") from None


def _passes(value: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """What each pass over the problems says of itself. Only a warning follows from it, so a damaged one is no error."""
    if value is None:
        return [], []
    read: Reader = list_of(object_of(PASS))
    try:
        return read(value), []
    except Defect as defect:
        return [], [f"run.json: {defect.under('passes')}; all passes are left out"]


def _cells(path: Path) -> tuple[tuple[ReadCell, ...], list[str]]:
    """The cells, and a sentence for each line that holds none: torn by a crash, damaged, or of a newer version."""
    found: dict[tuple[str, str, int], ReadCell] = {}
    defects = []
    for number, line in lines_of(path):
        values: Any = None
        try:
            values = json_of(line)
            cell = _cell(read_cell(values))
        except Defect as defect:
            key = key_of(values)
            defects.append(f"line {number}{f' ({key})' if key else ''}: {defect}")
            continue
        # A resumed run may measure a cell again; the later line is the one its worker finished.
        found[cell.backend, cell.problem.id, cell.threads] = cell
    return tuple(found.values()), defects


def _cell(line: Mapping[str, Any]) -> ReadCell:
    """A cell from the keys of a line, after ``validation.read_cell``."""
    samples = _seconds(line["samples_s"])
    return ReadCell(
        backend=line["backend"],
        problem=line["problem"],
        threads=line["threads"],
        # Once each: a total counts every place.
        places=tuple(dict.fromkeys(ReadPlace(**place) for place in _places(line))),
        device=line["device"],
        status=line["status"],
        reason=line["reason"],
        output=line["output"],
        samples=samples,
        device_samples=_seconds(line["device_samples_s"]),
        canary=_seconds(line["canary_s"]),
        round=np.asarray(line["round"] or range(samples.size), dtype=np.int64),
        process=np.asarray(line["process"] or [0] * samples.size, dtype=np.int64),
        calls=line["calls"],
        error_ratio=_number(line["error_ratio"]),
        prepare_s=_number(line["prepare_s"]),
        first_call_s=_number(line["first_call_s"]),
        cpu_over_wall=_number(line["cpu_over_wall"]),
        peak_rss_bytes=_number(line["peak_rss_bytes"]),
        page_faults_per_call=_number(line["page_faults_per_call"]),
        isolation=line["isolation"],
        cache=line["cache"],
        arithmetic=line["arithmetic"],
    )


def _places(line: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return ({key: line[key] for key in PLACE}, *line["also"])


def _seconds(values: Sequence[float]) -> Seconds:
    return np.asarray(values, dtype=np.float64)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
