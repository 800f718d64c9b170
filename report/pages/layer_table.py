"""The table of a shape group as text: what is in each cell and how it is to be marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pandas as pd

from pointwise_bench.common.formats import IN_PROCESS
from pointwise_bench.common.status import OK
from pointwise_bench.report.analysis.groups import ReportGroup, Standing
from pointwise_bench.report.analysis.series import records
from pointwise_bench.report.analysis.wording import DASH, three_digits, times, unit_for

# Behind a time: there is not enough evidence to tell it from the fastest.
UNCLEAR_MARK = "?"
# Asterisks and daggers come in the order in which printers use them.
REUSED_MARK = "†"
IN_PROCESS_MARK = "‡"

MOST_COLUMNS: Final = 60
"""Backends with a column, from the fastest on: nobody compares three thousand, and a browser took seconds for them."""

_COLUMNS: Final = (
    *("backend", "name", "problem", "status", "reason", "median_s", "low_s", "high_s", "rounds", "leads", "sign"),
    *("output", "isolation"),
)


class Entry(NamedTuple):
    """One cell of a layer table; ``hint`` is what a pointer resting on it shows.

    It is of one that ``leads``, or one of whom it is ``unclear`` whether it is as fast as those.
    """

    text: str
    leads: bool = False
    unclear: bool = False
    failed: bool = False
    hint: str = ""


@dataclass(frozen=True)
class LayerTable:
    """Times of one group under one thread budget: a row per layer, a column per backend, a total row.

    ``rows``: (layer, problem, occurrences, entries). ``marks``: footnote signs by backend.
    """

    unit: str
    backends: list[str]
    marks: dict[str, str]
    rows: list[tuple[str, str, int, list[Entry]]]
    totals: list[Entry]
    speedups: list[Entry]
    further: int = 0
    """Backends with a time and no column."""


def layer_table(group: ReportGroup, timings: pd.DataFrame, baseline: str | None) -> LayerTable:
    """The table of ``group``; ``timings`` are its rows only. Backends stand from the fastest to the incomplete."""
    timed = [standing.backend for standing in group.standings if standing.timed]
    names = timed[:MOST_COLUMNS]
    # A backend that ran nothing would be a column of one word; its reason is among the failures.
    cells = records(timings, _COLUMNS)
    found = {(row["backend"], row["name"], row["problem"]): row for row in cells}
    of: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in cells:
        of[row["backend"]].append(row)
    unit, scale = unit_for(timings["median_s"].dropna())
    rows = []
    for layer in group.layers:
        entries = [_entry(found.get((name, layer.name, layer.problem)), scale) for name in names]
        rows.append((layer.name, layer.problem, layer.occurrences, entries))
    standings = {standing.backend: standing for standing in group.standings}
    return LayerTable(
        unit=unit,
        backends=names,
        marks={name: _marks(of[name]) for name in names},
        rows=rows,
        totals=[_total(standings[name], group, scale) for name in names],
        speedups=[_speedup(standings[name], group, baseline) for name in names],
        further=len(timed) - len(names),
    )


def _entry(row: Mapping[str, Any] | None, scale: float) -> Entry:
    if row is None:
        return Entry(DASH, hint="not in this run")
    if row["status"] != OK:
        return Entry(str(row["status"]), failed=True, hint=str(row["reason"]))
    median, low, high = (row[key] * scale for key in ("median_s", "low_s", "high_s"))
    hint = f"{three_digits(low)} to {three_digits(high)}, {row['rounds']} rounds"
    return Entry(three_digits(median), leads=bool(row["leads"]), unclear=row["sign"] == "undecided", hint=hint)


def _marks(rows: Sequence[Mapping[str, Any]]) -> str:
    timed = [row for row in rows if row["status"] == OK]
    reused = REUSED_MARK if any(row["output"] == "reused" for row in timed) else ""
    return reused + (IN_PROCESS_MARK if any(row["isolation"] == IN_PROCESS for row in timed) else "")


def _total(standing: Standing, group: ReportGroup, scale: float) -> Entry:
    if standing.total is None:
        return Entry(
            f"{standing.timed} of {len(group.layers)} layers", failed=True, hint="a partial sum would look fast"
        )
    total, unclear = standing.total, standing.sign == "undecided"
    hint = f"{three_digits(total.low * scale)} to {three_digits(total.high * scale)}"
    return Entry(three_digits(total.seconds * scale), leads=standing.leads, unclear=unclear, hint=hint)


def _speedup(standing: Standing, group: ReportGroup, baseline: str | None) -> Entry:
    if standing.backend == baseline:
        return Entry("baseline")
    partial = f" ({standing.shared} of {len(group.layers)})" if 0 < standing.shared < len(group.layers) else ""
    return Entry(times(standing.speedup) + partial)
