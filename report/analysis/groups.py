"""Shape groups of a run: their layers, what each backend needs for all of them, and who leads."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.verdicts import Pairs, Series, pair_up

# Groups whose shapes were picked one by one: a sum over them is the time of nothing.
_COLLECTIONS: Final = ("basics", "claims")

_SUMMED: Final = ("median_s", "low_s", "high_s")


class GroupRow(NamedTuple):
    """One line of a group: the layer's name, its problem's id and how often the group has it."""

    name: str
    problem: str
    occurrences: int


@dataclass(frozen=True)
class Total:
    """Seconds for all layers of a group, each as often as it occurs.

    ``seconds`` is the sum of the layers' medians; ``low`` and ``high`` are the sums of their intervals' ends: wider
    than 95 % where layers vary on their own, right where the whole machine drifts.
    """

    seconds: float
    low: float
    high: float


@dataclass(frozen=True)
class Standing:
    """One backend in one group: layers timed and led, the total where none is missing, the mean speed-up.

    ``speedup`` is the geometric mean of the paired ratios against the baseline over ``shared`` layers.
    """

    backend: str
    timed: int
    leading: int
    total: Total | None
    leads: bool
    speedup: float
    shared: int


@dataclass(frozen=True)
class ReportGroup:
    """A shape group under one thread budget, its standings from the fastest to the incomplete.

    ``layers`` are all that were asked for, ``missing`` those of them for which no backend has a time. ``lead`` compares
    the first standing with the next one that does not lead: ``(backend, ratio, low, high)``.
    """

    name: str
    threads: int
    layers: tuple[GroupRow, ...]
    missing: tuple[GroupRow, ...]
    standings: tuple[Standing, ...]
    lead: tuple[str, float, float, float] | None

    @property
    def is_sweep(self) -> bool:
        """Whether one axis varies and a plot says more than a sum."""
        return self.name.startswith("sweep-")

    @property
    def is_network(self) -> bool:
        """Whether a sum over the layers is the time of something."""
        return not self.is_sweep and self.name not in _COLLECTIONS

    @property
    def covered(self) -> int:
        """How many layers have a time of some backend."""
        return len(self.layers) - len(self.missing)

    @property
    def is_whole(self) -> bool:
        """Whether all layers have: of a part of a network there is no total and no winner."""
        return not self.missing

    @property
    def leaders(self) -> list[Standing]:
        """The backends that were not beaten on the total."""
        return [standing for standing in self.standings if standing.leads]


def group_up(run: Run, timings: pd.DataFrame, comparisons: pd.DataFrame, baseline: str | None) -> list[ReportGroup]:
    """Every group of ``run`` under every thread budget: networks, then collections, then sweeps, each as measured."""
    cells = {(cell.problem.id, cell.threads, cell.backend): cell for cell in run.cells}
    logs = _log_speedups(comparisons, baseline)
    asked = _layers_asked_for(run)
    groups = []
    for key, rows in timings.groupby(["group", "threads"], sort=False):
        name, threads = cast("tuple[str, int]", key)
        groups.append(_group(name, int(threads), rows, asked.pop((name, int(threads)), ()), cells, logs))
    for (name, threads), layers in asked.items():  # the time budget ended before them
        groups.append(ReportGroup(name, threads, tuple(layers), tuple(layers), (), None))
    order = list(dict.fromkeys(group.name for group in groups))
    return sorted(groups, key=lambda one: (one.is_sweep, not one.is_network, order.index(one.name), one.threads))


def _layers_asked_for(run: Run) -> dict[tuple[str, int], list[GroupRow]]:
    """By group and thread budget; empty for a run of a version that did not record them."""
    found: defaultdict[tuple[str, int], list[GroupRow]] = defaultdict(list)
    for place in run.settings["selection"]:
        found[place["group"], place["threads"]].append(GroupRow(place["name"], place["problem"].id, place["count"]))
    return dict(found)


def _group(
    name: str,
    threads: int,
    rows: pd.DataFrame,
    asked: Sequence[GroupRow],
    cells: Mapping[tuple[str, int, str], ReadCell],
    logs: Mapping[tuple[str, int, str], float],
) -> ReportGroup:
    with_cells = (GroupRow(*line) for line in zip(rows["name"], rows["problem"], rows["count"].tolist(), strict=True))
    layers = tuple(dict.fromkeys((*asked, *with_cells)))
    # A selection of a table's rows takes a thousand times as long as one of an array's elements.
    of, leading = rows["backend"].to_numpy(dtype=object), rows["leads"].to_numpy(dtype=np.bool_)
    names = sorted(set(of))
    columns = {column: rows[column].to_numpy(dtype=np.float64) for column in ("count", *_SUMMED)}
    has_time = ~np.isnan(columns["median_s"])
    timed = {backend: (of == backend) & has_time for backend in names}
    totals = {
        backend: _total({column: values[timed[backend]] for column, values in columns.items()}, layers)
        for backend in names
    }
    pairs, compared = _compare_totals(layers, threads, [one for one in names if totals[one]], cells)
    leads = _unbeaten(pairs, compared, totals)
    standings = []
    for backend in names:
        speedup, shared = _speedup(backend, layers, threads, logs)
        counts = int(timed[backend].sum()), int(leading[of == backend].sum())
        standings.append(Standing(backend, *counts, totals[backend], backend in leads, speedup, shared))
    standings.sort(key=_order)
    have = set(zip(rows["name"][has_time], rows["problem"][has_time], strict=True))
    missing = tuple(layer for layer in layers if (layer.name, layer.problem) not in have)
    return ReportGroup(name, threads, layers, missing, tuple(standings), _lead(standings, pairs, compared))


def _order(standing: Standing) -> tuple[bool, float, int, str]:
    seconds = standing.total.seconds if standing.total else math.inf
    return not standing.leads, seconds, -standing.timed, standing.backend


def _total(columns: Mapping[str, NDArray[np.float64]], layers: Sequence[GroupRow]) -> Total | None:
    """The total of one backend's timed rows, ``None`` where a layer is missing: a partial sum would look fast."""
    counts = columns["count"]
    if counts.size < len(layers):
        return None
    return Total(*(float(counts @ columns[column]) for column in _SUMMED))


def _compare_totals(
    layers: Sequence[GroupRow], threads: int, backends: Sequence[str], cells: Mapping[tuple[str, int, str], ReadCell]
) -> tuple[Pairs, list[str]]:
    """Pair the backends on whole traversals: the sum over the layers of their rounds of one name.

    Rounds of different layers are different stretches of time, but both backends of a pair have the same ones.
    """
    traversals: dict[str, Series] = {}
    for backend in backends:
        own = [cells[layer.problem, threads, backend] for layer in layers]
        if all(cell.comparable_to_others for cell in own):
            traversals[backend] = _traversal(own, [layer.occurrences for layer in layers])
    return pair_up(list(traversals.values())), list(traversals)


def _traversal(cells: Sequence[ReadCell], occurrences: Sequence[int]) -> Series:
    """The rounds that all ``cells`` have, summed; the starts are those of the first cell's worker."""
    common = reduce(np.intersect1d, (cell.round for cell in cells))
    total = np.zeros(common.size)
    for cell, count in zip(cells, occurrences, strict=True):
        order = np.argsort(cell.round)
        total += count * cell.samples[order][np.searchsorted(cell.round[order], common)]
    first = cells[0]
    starts = dict(zip(first.round.tolist(), first.process.tolist(), strict=True))
    return Series.of(total, common.tolist(), [starts[number] for number in common.tolist()])


def _unbeaten(pairs: Pairs, compared: Sequence[str], totals: Mapping[str, Total | None]) -> set[str]:
    beaten = {compared[index] for index in pairs.second[pairs.verdict == "faster"]}
    beaten |= {compared[index] for index in pairs.first[pairs.verdict == "slower"]}
    heard = {compared[index] for index in (*pairs.first[pairs.sign_tested], *pairs.second[pairs.sign_tested])}
    seconds = {name: total.seconds for name, total in totals.items() if total and name in compared}
    shortest = min(seconds, key=seconds.__getitem__, default=None)
    # As for single layers: too few rounds for a sign test is no share of the lead.
    return {name for name in compared if name not in beaten and (name in heard or name == shortest)}


def _lead(
    standings: Sequence[Standing], pairs: Pairs, compared: Sequence[str]
) -> tuple[str, float, float, float] | None:
    """The best against the first that does not lead: its time over the best's, from the paired passes."""
    following = [standing.backend for standing in standings if not standing.leads and standing.backend in compared]
    if not following or not standings[0].leads:
        return None
    best, other = compared.index(standings[0].backend), compared.index(following[0])
    at = int(np.flatnonzero((pairs.first == min(best, other)) & (pairs.second == max(best, other)))[0])
    ratio, low, high = (float(column[at]) for column in (pairs.ratio, pairs.low, pairs.high))
    return (following[0], ratio, low, high) if best < other else (following[0], 1 / ratio, 1 / high, 1 / low)


def _log_speedups(comparisons: pd.DataFrame, baseline: str | None) -> dict[tuple[str, int, str], float]:
    """Logarithm of the baseline's time over the backend's, by (problem, threads, backend)."""
    found: dict[tuple[str, int, str], float] = {}
    for own, other, sign in (("backend_a", "backend_b", -1.0), ("backend_b", "backend_a", 1.0)):
        # ratio is time of b over time of a: with the baseline as b it already is the speed-up of a.
        rows = comparisons[comparisons[own] == baseline]
        values = sign * np.log(rows["ratio"].to_numpy(dtype=np.float64))
        found |= dict(zip(zip(rows["problem"], rows["threads"], rows[other], strict=True), values, strict=True))
    return found


def _speedup(
    backend: str,
    layers: Sequence[GroupRow],
    threads: int,
    logs: Mapping[tuple[str, int, str], float],
) -> tuple[float, int]:
    """Geometric mean of the speed-ups over the baseline, and over how many layers; NaN where they share none."""
    keys = [(layer.problem, threads, backend) for layer in layers]
    shared = [logs[key] for key in keys if key in logs]
    return (math.exp(sum(shared) / len(shared)), len(shared)) if shared else (math.nan, 0)
