"""Cells and rows in the forms that statistics and pages take: paired rounds, clusters of one start, plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.statistics.order_statistics import ClusterRows, Clusters
from pointwise_bench.report.statistics.verdicts import Series


def series_of(cell: ReadCell) -> Series:
    """What a comparison needs of it."""
    return Series.of(cell.samples, cell.round, cell.process)


def clusters_of(cell: ReadCell) -> Clusters:
    """The samples, by the start of the worker that they are from."""
    return Clusters.of(cell.samples, cell.process)


class CellTimes(NamedTuple):
    """The median of a cell with its interval, in seconds, and from how many starts of the worker it is."""

    median: float
    low: float
    high: float
    starts: int


def times_of(cells: Sequence[ReadCell]) -> list[CellTimes]:
    """Of each of ``cells``, which are all timed.

    Those whose rounds are from the same starts are taken together: one by one they took a third of a report's time.
    """
    alike: defaultdict[bytes, list[int]] = defaultdict(list)
    for number, cell in enumerate(cells):
        alike[cell.process.tobytes()].append(number)
    found: dict[int, CellTimes] = {}
    for numbers in alike.values():
        rows = ClusterRows.of(np.stack([cells[number].samples for number in numbers]), cells[numbers[0]].process)
        columns = (column.tolist() for column in rows.median_intervals())
        for number, median, low, high in zip(numbers, *columns, strict=True):
            found[number] = CellTimes(median, low, high, rows.count)
    return [found[number] for number in range(len(cells))]


Columns = Mapping[str, list[Any]]
"""Of a table, by name, in plain values."""


def columns_of_parts(table: pd.DataFrame, names: Iterable[str]) -> Callable[[NDArray[np.intp]], Columns]:
    """Of the rows with the numbers asked for: of thousands of parts, each column is taken from pandas once."""
    whole = {name: np.array(values_of(table[name]), dtype=object) for name in names}
    return lambda numbers: {name: column[numbers].tolist() for name, column in whole.items()}


def values_of(column: pd.Series[Any] | list[Any]) -> list[Any]:
    """``column.tolist()``, which takes the entries of a column of strings one by one and thirty times as long."""
    if isinstance(column, list):
        return column
    return (column.to_numpy(dtype=object) if isinstance(column.dtype, pd.StringDtype) else column).tolist()


def records(table: pd.DataFrame | Columns, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Each row of ``table`` with the ``columns`` asked for, in plain values.

    ``DataFrame.to_dict`` takes ten times as long: it takes all columns, and those of strings and of whole numbers entry
    by entry.
    """
    values = (values_of(table[name]) for name in columns)
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def by_backend(cells: Iterable[ReadCell]) -> dict[str, list[ReadCell]]:
    """The cells of each backend, in the order of the backends' names."""
    grouped: defaultdict[str, list[ReadCell]] = defaultdict(list)
    for cell in cells:
        grouped[cell.backend].append(cell)
    return dict(sorted(grouped.items()))
