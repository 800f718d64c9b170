"""The pages behind the strips: of every layer what was measured of each backend, and how to measure it again."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pandas as pd

from pointwise_bench.common.status import OK
from pointwise_bench.report.analysis.groups import GroupRow, ReportGroup
from pointwise_bench.report.analysis.series import Columns, records
from pointwise_bench.report.analysis.wording import DASH, duration, shown_sign, three_digits
from pointwise_bench.report.pages.commands import measure, options_of
from pointwise_bench.report.pages.sample_line import SampleLine, sample_lines
from pointwise_bench.report.plots.style import Look
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run

MOST_ROWS: Final = 1500
"""On one page: with its line of samples a row takes about a kilobyte and a half, and a page is to load in a second."""

MOST_OF_A_LAYER: Final = 200
"""Backends of one layer; all are in timings.csv."""

_COLUMNS: Final = (
    *("backend", "name", "problem", "status", "reason", "sign", "median_s", "low_s", "high_s", "visible_percent"),
    *("percent_of_roof", "bound_by", "error_ratio", "prepare_s", "first_call_s", "page_faults_per_call"),
)

CellKey = tuple[str, str, int]


class Timed(NamedTuple):
    """One backend's row of a layer: what it took, what binds it, how right it is, and its samples by round.

    All but the backend and the command are texts of ours, which need no escape; the template takes them in this order.
    """

    backend: str
    paint: str
    sign: str
    visible: str
    time: str
    interval: str
    roof: str
    error: str
    prepare: str
    first_call: str
    faults: str
    samples: SampleLine
    command: str


@dataclass(frozen=True)
class LayerDetails:
    """One layer; ``failed`` holds backend, status and reason, ``further`` counts the rows left out."""

    number: int
    name: str
    problem: str
    occurrences: int
    timed: tuple[Timed, ...]
    failed: tuple[tuple[str, str, str], ...]
    further: int
    command: str

    @property
    def rows(self) -> int:
        """How much of a page it takes."""
        return len(self.timed) + len(self.failed)


def details_of(
    run: Run,
    group: ReportGroup,
    timings: pd.DataFrame | Columns,
    cells: Mapping[CellKey, ReadCell],
    colours: Mapping[str, Look],
) -> list[list[LayerDetails]]:
    """The layers of ``group`` in the order of the network, by page; ``timings`` are its rows alone."""
    options = options_of(run)
    of_layer: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in records(timings, _COLUMNS):
        of_layer[row["name"], row["problem"]].append(row)
    rows = [_LayerRows.of(of_layer[layer.name, layer.problem]) for layer in group.layers]
    shown = (
        cells[row["backend"], layer.problem, group.threads]
        for layer, own in zip(group.layers, rows, strict=True)
        for row in own.shown
    )
    lines = iter(sample_lines([(cell.samples, cell.round) for cell in shown]))
    layers = (
        _details(options, group.threads, number, layer, own, list(itertools.islice(lines, len(own.shown))), colours)
        for number, (layer, own) in enumerate(zip(group.layers, rows, strict=True), 1)
    )
    return _pages(layers)


class _LayerRows(NamedTuple):
    """The rows of a layer: those with a time from the fastest on, and backend, status and reason of the others."""

    timed: list[Mapping[str, Any]]
    failed: list[tuple[str, str, str]]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> _LayerRows:
        timed = sorted((row for row in rows if _has_time(row)), key=_order)
        return cls(timed, sorted((row["backend"], row["status"], row["reason"]) for row in rows if not _has_time(row)))

    @property
    def shown(self) -> list[Mapping[str, Any]]:
        """Those with a time that the page has room for."""
        return self.timed[:MOST_OF_A_LAYER]


def cells_by_key(run: Run) -> dict[CellKey, ReadCell]:
    """The cells of a run by backend, problem and thread budget."""
    return {(cell.backend, cell.problem.id, cell.threads): cell for cell in run.cells}


def page_numbers(pages: Sequence[Sequence[LayerDetails]]) -> dict[int, int]:
    """By the number of a layer that of its page, from 0."""
    return {layer.number: page for page, layers in enumerate(pages) for layer in layers}


def _pages(layers: Iterable[LayerDetails]) -> list[list[LayerDetails]]:
    pages: list[list[LayerDetails]] = [[]]
    taken = 0
    for layer in layers:
        if pages[-1] and taken + layer.rows + 1 > MOST_ROWS:
            pages.append([])
            taken = 0
        pages[-1].append(layer)
        taken += layer.rows + 1
    return pages


def _details(
    options: Mapping[str, Any],
    threads: int,
    number: int,
    layer: GroupRow,
    rows: _LayerRows,
    lines: Sequence[SampleLine],
    colours: Mapping[str, Look],
) -> LayerDetails:
    timed, failed = rows
    settled = all(row["sign"] != "undecided" for row in timed)
    return LayerDetails(
        number=number,
        name=layer.name or layer.problem,
        problem=layer.problem,
        occurrences=layer.occurrences,
        timed=tuple(
            _timed(options, row, threads, line, colours, settled=settled)
            for row, line in zip(rows.shown, lines, strict=True)
        ),
        failed=tuple(failed[:MOST_OF_A_LAYER]),
        further=max(0, len(timed) - MOST_OF_A_LAYER) + max(0, len(failed) - MOST_OF_A_LAYER),
        command=measure(options, [layer.problem], threads),
    )


def _has_time(row: Mapping[str, Any]) -> bool:
    return row["status"] == OK and not math.isnan(row["median_s"])


def _order(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    return row["sign"] != "fastest", row["median_s"], row["backend"]


def _timed(
    options: Mapping[str, Any],
    row: Mapping[str, Any],
    threads: int,
    samples: SampleLine,
    colours: Mapping[str, Look],
    *,
    settled: bool,
) -> Timed:
    share = row["percent_of_roof"]
    return Timed(
        backend=row["backend"],
        paint=colours[row["backend"]].paint,
        sign=shown_sign(row["sign"], settled=settled),
        visible=_percent(row["visible_percent"]),
        time=duration(row["median_s"]),
        interval=f"{duration(row['low_s'])} to {duration(row['high_s'])}",
        roof=DASH if math.isnan(share) else f"{share:.0f} % ({row['bound_by']})",
        error=_digits(row["error_ratio"]),
        prepare=duration(row["prepare_s"]),
        first_call=duration(row["first_call_s"]),
        faults=_digits(row["page_faults_per_call"]),
        samples=samples,
        command=measure(options, [row["problem"]], threads, [row["backend"]], seeded=True),
    )


def _percent(value: float) -> str:
    return f"{three_digits(value)} %" if math.isfinite(value) else DASH


def _digits(value: float) -> str:
    return DASH if math.isnan(value) else three_digits(value)
