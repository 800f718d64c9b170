"""Cells in the forms that statistics and tables take: rounds to be paired, clusters of one start, cells by backend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.statistics.order_statistics import Clusters
from pointwise_bench.report.statistics.verdicts import Series


def series_of(cell: ReadCell) -> Series:
    """What a comparison needs of it."""
    return Series.of(cell.samples, cell.round, cell.process)


def clusters_of(cell: ReadCell) -> Clusters:
    """The samples, by the start of the worker that they are from."""
    return Clusters.of(cell.samples, cell.process)


def by_backend(cells: Iterable[ReadCell]) -> dict[str, list[ReadCell]]:
    """The cells of each backend, in the order of the backends' names."""
    grouped: defaultdict[str, list[ReadCell]] = defaultdict(list)
    for cell in cells:
        grouped[cell.backend].append(cell)
    return dict(sorted(grouped.items()))
