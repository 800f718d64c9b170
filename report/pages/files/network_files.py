"""The numbers of the bars and strips of all networks as files: networks.csv and shares.csv."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pointwise_bench.report.pages.files.csv_file import CsvFile

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.groups import ReportGroup
    from pointwise_bench.report.pages.network_view import NetworkView
    from pointwise_bench.report.pages.run_analysis import RunAnalysis

_PLACE: Final = ("machine", "run", "network", "threads")
NETWORK_COLUMNS: Final = (
    *_PLACE,
    *("layers", "covered", "backend", "timed", "leading", "sign", "total_s", "low_s", "high_s", "percent_of_roof"),
    *("baseline", "speedup", "speedup_low", "speedup_high"),
)
SHARE_COLUMNS: Final = (*_PLACE, "number", "layer", "share_percent", "fastest", "state")


class Viewed(NamedTuple):
    """A group of a run with what the page shows of it."""

    found: RunAnalysis
    group: ReportGroup
    view: NetworkView


def network_files(viewed: Iterable[Viewed]) -> tuple[CsvFile, CsvFile]:
    """Of every network a row for each backend, and a row for each layer of its strip."""
    networks = [one for one in viewed if one.group.is_network]
    return (
        CsvFile("networks.csv", NETWORK_COLUMNS, [row for one in networks for row in _standings(one)]),
        CsvFile("shares.csv", SHARE_COLUMNS, [row for one in networks for row in _shares(one)]),
    )


def _standings(viewed: Viewed) -> Iterator[Sequence[Any]]:
    group, view = viewed.group, viewed.view
    over = group.compared.over(view.baseline) if group.compared is not None and view.baseline else {}
    for one in group.standings:
        total = (one.total.seconds, one.total.low, one.total.high) if one.total and group.is_whole else (math.nan,) * 3
        ratio = over.get(one.backend) if group.is_whole else None
        # A ratio is a time over the baseline's: turned over it is a speed, and its ends change places.
        speed = (
            (1 / ratio.ratio, 1 / ratio.high, 1 / ratio.low if ratio.low else math.nan) if ratio else (math.nan,) * 3
        )
        counts = (len(group.layers), group.covered, one.backend, one.timed, one.leading, one.sign)
        yield (*_place(viewed), *counts, *total, 100 * one.of_roof, view.baseline, *speed)


def _shares(viewed: Viewed) -> Iterator[Sequence[Any]]:
    for one in viewed.view.segments:
        yield (*_place(viewed), one.number, one.name, one.share, one.winner, one.state)


def _place(viewed: Viewed) -> Sequence[Any]:
    run, group = viewed.found.run, viewed.group
    return run.machine, run.name, group.name, group.threads
