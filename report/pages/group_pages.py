"""What a group of shapes has on the page of its run and behind it: its view, and a page or more of all its layers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pointwise_bench.report.analysis.groups import ReportGroup
from pointwise_bench.report.analysis.series import Columns
from pointwise_bench.report.pages.files.csv_file import CsvFile
from pointwise_bench.report.pages.layer_pages import CellKey, details_of, page_numbers
from pointwise_bench.report.pages.network_view import NetworkView, network_view
from pointwise_bench.report.pages.rendering import Page
from pointwise_bench.report.pages.run_analysis import RunAnalysis
from pointwise_bench.report.plots.style import Look
from pointwise_bench.report.reading.cells import ReadCell

COLUMNS: Final = (
    *("name", "problem", "count", "threads", "backend", "status", "reason", "sign", "median_s", "low_s", "high_s"),
    *("rounds", "visible_percent", "percent_of_roof", "bound_by", "error_ratio", "prepare_s", "first_call_s"),
    "page_faults_per_call",
)
"""Of the table of times, what the pages of a group show, as numbers."""


@dataclass(frozen=True)
class GroupPages:
    """``places`` says for each layer, by its number, where its details are; ``names`` are those of the pages."""

    view: NetworkView
    places: Mapping[int, str]
    names: Sequence[str]
    pages: tuple[Page, ...]

    def written(self) -> GroupPages:
        """What is still asked of them when they are on disk: their contents would fill the memory."""
        return replace(self, pages=())


@dataclass(frozen=True)
class Surroundings:
    """What all groups of a run share: its cells, the colours of all backends, and the page that links to theirs."""

    cells: Mapping[CellKey, ReadCell]
    colours: Mapping[str, Look]
    home: str
    prefix: str


def group_pages(found: RunAnalysis, group: ReportGroup, columns: Columns, around: Surroundings) -> GroupPages:
    """``columns`` are ``COLUMNS`` of the group's rows in the table of times."""
    doubted = found.light.level == "again"
    view = network_view(found.run, group, columns, found.baseline, around.colours, doubted)
    parts = details_of(found.run, group, columns, around.cells, around.colours)
    stem = f"{around.prefix}layers-{slug_of(group.name)}-threads-{group.threads}"
    names = [f"{stem}.html", *(f"{stem}-{number}.html" for number in range(2, len(parts) + 1))]
    places = {number: f"{names[page]}#layer-{number}" for number, page in page_numbers(parts).items()}
    values = {
        "view": view,
        "places": places,
        "home": around.home,
        "machine": found.run.machine,
        "started_at": found.run.started_at or found.run.name,
        "parts": names,
        "table": f"{stem}.csv",
    }
    table = CsvFile(f"{stem}.csv", COLUMNS, zip(*columns.values(), strict=True))
    pages = (
        Page(name, "layers.html", values | {"part": part, "layers": layers}, () if part else (table,))
        for part, (name, layers) in enumerate(zip(names, parts, strict=True))
    )
    return GroupPages(view, places, names, tuple(pages))


def slug_of(name: str) -> str:
    """``name`` as part of a file's name; what had to be changed or cut is told apart by a hash."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")
