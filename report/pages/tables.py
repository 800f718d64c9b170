"""The tables of the page as text: what is in each cell and how it is to be marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pointwise_bench.common.status import OK
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.groups import ReportGroup, Standing
from pointwise_bench.report.analysis.wording import DASH, duration, joined, three_digits, times, unit_for

# Asterisks and daggers come in the order in which printers use them.
REUSED = "†"
IN_PROCESS = "‡"


@dataclass(frozen=True)
class Entry:
    """One cell of a layer table; ``hint`` is what a pointer resting on it shows."""

    text: str
    leads: bool = False
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


@dataclass(frozen=True)
class NetworkAnswer:
    """Which backend is fastest for a group, by how much and how certain that is.

    ``total`` is empty where a sum over the group means nothing or no backend has all layers.
    """

    group: str
    threads: int
    fastest: str
    total: str
    lead: str
    layers: str


def layer_table(group: ReportGroup, timings: pd.DataFrame, baseline: str | None) -> LayerTable:
    """The table of ``group``; ``timings`` are its rows only. Backends stand from the fastest to the incomplete."""
    names = [standing.backend for standing in group.standings if standing.timed]
    # A backend that ran nothing would be a column of one word; its reason is among the failures.
    found = {(row["backend"], row["name"], row["problem"]): row for row in timings.to_dict("records")}
    unit, scale = unit_for(timings["median_s"].dropna())
    rows = []
    for layer in group.layers:
        entries = [_entry(found.get((name, layer.name, layer.problem)), scale) for name in names]
        rows.append((layer.name, layer.problem, layer.occurrences, entries))
    standings = {standing.backend: standing for standing in group.standings}
    return LayerTable(
        unit=unit,
        backends=names,
        marks={name: _marks(timings[timings["backend"] == name]) for name in names},
        rows=rows,
        totals=[_total(standings[name], group, scale) for name in names],
        speedups=[_speedup(standings[name], group, baseline) for name in names],
    )


def _entry(row: Mapping[Hashable, Any] | None, scale: float) -> Entry:
    if row is None:
        return Entry(DASH, hint="not in this run")
    if row["status"] != OK:
        return Entry(str(row["status"]), failed=True, hint=str(row["reason"]))
    median, low, high = (row[key] * scale for key in ("median_s", "low_s", "high_s"))
    hint = f"{three_digits(low)} to {three_digits(high)}, {row['rounds']} rounds"
    return Entry(three_digits(median), leads=bool(row["leads"]), hint=hint)


def _marks(rows: pd.DataFrame) -> str:
    timed = rows[rows["status"] == OK]
    reused = REUSED if (timed["output"] == "reused").any() else ""
    return reused + (IN_PROCESS if (timed["isolation"] == "in-process").any() else "")


def _total(standing: Standing, group: ReportGroup, scale: float) -> Entry:
    if standing.total is None:
        return Entry(
            f"{standing.timed} of {len(group.layers)} layers", failed=True, hint="a partial sum would look fast"
        )
    total = standing.total
    hint = f"{three_digits(total.low * scale)} to {three_digits(total.high * scale)}"
    return Entry(three_digits(total.seconds * scale), leads=standing.leads, hint=hint)


def _speedup(standing: Standing, group: ReportGroup, baseline: str | None) -> Entry:
    if standing.backend == baseline:
        return Entry("baseline")
    partial = f" ({standing.shared} of {len(group.layers)})" if 0 < standing.shared < len(group.layers) else ""
    return Entry(times(standing.speedup) + partial)


def answer(group: ReportGroup) -> NetworkAnswer:
    """The answer for a network; for other groups the backend that leads most often."""
    layers = len(group.layers)
    if not any(standing.timed for standing in group.standings):
        return NetworkAnswer(group.name, group.threads, "none", "", "no backend has a valid time", f"0 of {layers}")
    if not (group.is_network and group.leaders):
        return _most_often(group)
    first = group.leaders[0]
    assert first.total is not None
    seconds, led = duration(first.total.seconds), f"{first.leading} of {layers}"
    return NetworkAnswer(group.name, group.threads, first.backend, seconds, _certainty(group), led)


def _certainty(group: ReportGroup) -> str:
    """How far the best of a network is ahead, and of whom."""
    tied = [standing.backend for standing in group.leaders[1:]]
    parts = [f"tied with {joined(tied)}"] if tied else []
    if group.lead is not None:
        other, *ratio = group.lead
        parts.append(f"{times(*ratio)} ahead of {other}")
    return "; ".join(parts) or "the only one with all layers"


def _most_often(group: ReportGroup) -> NetworkAnswer:
    most = max(standing.leading for standing in group.standings)
    names = [standing.backend for standing in group.standings if standing.leading == most and standing.timed]
    reason = "no backend has all layers" if group.is_network else ""
    if not most:
        names, reason = ["none"], "nothing was compared"
    return NetworkAnswer(group.name, group.threads, joined(names), "", reason, f"{most} of {len(group.layers)}")


def headline(groups: Sequence[ReportGroup]) -> str:
    """One sentence: which backend leads, on how many of the networks of a run."""
    networks = [group for group in groups if group.is_network and group.leaders]
    if not networks:
        return "No network has a backend with comparable times for all layers, so none is called fastest."
    if len(networks) == 1:
        only = networks[0]
        return f"On {only.name}, {only.leaders[0].backend} is fastest: {_certainty(only)}."
    winners = Counter(group.leaders[0].backend for group in networks if len(group.leaders) == 1)
    ranked = sorted(winners.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{name} is fastest on {count}" for name, count in ranked]
    tied = len(networks) - winners.total()
    parts += [f"{tied} {'ends' if tied == 1 else 'end'} in a tie"] * bool(tied)
    return f"Of {_cases(networks)}, {joined(parts)}."


def _cases(networks: Sequence[ReportGroup]) -> str:
    budgets = {group.threads for group in networks}
    names = {group.name for group in networks}
    if len(budgets) == 1:
        return f"{len(names)} networks"
    return f"{len(networks)} cases ({len(names)} network{'s' * (len(names) > 1)}, {len(budgets)} thread budgets)"


def verdict_counts(comparisons: pd.DataFrame) -> str:
    """How many of the compared pairs could be told apart."""
    counts = comparisons["verdict"].value_counts()
    decided = int(counts.get("faster", 0) + counts.get("slower", 0))
    same, undecided = int(counts.get("same", 0)), int(counts.get("undecided", 0))
    return (
        f"{len(comparisons):,} pairs compared: {decided:,} decided, {same:,} the same within {100 * MARGIN:g} %, "
        f"{undecided:,} undecided"
    )
