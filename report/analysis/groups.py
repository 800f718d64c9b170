"""Shape groups of a run: their layers, what each backend needs for all of them, and who leads."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pointwise_bench.common.shape_groups import has_total, is_sweep
from pointwise_bench.report.analysis.network_totals import (
    ComparedTotals,
    LayerComparisons,
    LayerTimes,
    Placings,
    Ratio,
    Total,
    place,
)
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.signs import LEADING, Sign
from pointwise_bench.report.statistics.total_ratios import Numbers

_SUMMED: Final = ("median_s", "low_s", "high_s")
_TEXTS: Final = ("name", "problem", "backend")
_NUMBERS: Final = (*_SUMMED, "rank", "percent_of_roof")

Rows = Mapping[str, NDArray[Any]]
"""Of the table of times, by column."""


class GroupRow(NamedTuple):
    """One line of a group: the layer's name, its problem's id and how often the group has it."""

    name: str
    problem: str
    occurrences: int


@dataclass(frozen=True)
class Standing:
    """One backend in one group: layers timed and led by evidence, the total where none is missing, the mean speed-up.

    ``sign`` and ``behind`` tell how the total stands to the fastest one's, ``of_roof`` which share of it the layers'
    roofs take. ``speedup`` is the geometric mean of the paired ratios against the baseline over ``shared`` layers.
    """

    backend: str
    timed: int
    leading: int
    total: Total | None
    sign: Sign | None
    behind: Ratio | None
    of_roof: float
    speedup: float
    shared: int

    @property
    def leads(self) -> bool:
        """Whether it is the fastest, or the same as that one within the margin."""
        return self.sign in LEADING


@dataclass(frozen=True)
class ReportGroup:
    """A shape group under one thread budget, its standings from the fastest to the incomplete.

    ``layers`` are all that were asked for, ``missing`` those of them for which no backend has a time. ``compared``
    holds the ratios of totals to each other, for whoever asks against another baseline. ``model`` is the title of the
    model that the layers were taken from, empty where that is not known.
    """

    name: str
    threads: int
    layers: tuple[GroupRow, ...]
    missing: tuple[GroupRow, ...]
    standings: tuple[Standing, ...]
    compared: ComparedTotals | None = None
    model: str = ""

    @property
    def called(self) -> str:
        """What a reader knows it by: the model that its layers were taken from, or its name."""
        return self.model or self.name

    @property
    def is_sweep(self) -> bool:
        """Whether one axis varies and a plot says more than a sum."""
        return is_sweep(self.name)

    @property
    def is_network(self) -> bool:
        """Whether a sum over the layers is the time of something."""
        return has_total(self.name)

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
        """The backend with the shortest total, and those that are the same within the margin."""
        return [standing for standing in self.standings if standing.leads]

    @property
    def alone(self) -> bool:
        """Whether one backend alone has any time: to be the fastest of one says nothing."""
        return sum(standing.timed > 0 for standing in self.standings) == 1

    @property
    def undecided(self) -> list[Standing]:
        """Those of which the evidence does not tell whether they are slower."""
        return [standing for standing in self.standings if standing.sign == "undecided"]

    @property
    def next_slower(self) -> Standing | None:
        """The first of those that are slower than the leaders, and of which their own ratio says so.

        Who is beaten by another than the fastest cannot be the fastest, and may be undecided against that one:
        "0.99x [0.53, 1.85] ahead of the next" was said of such a one, beside a core that was busy half of the time.
        """
        slower = (standing for standing in self.standings if standing.sign == "slower")
        return next((each for each in slower if each.behind is None or each.behind.low > 1), None)


def group_up(run: Run, timings: pd.DataFrame, comparisons: pd.DataFrame, baseline: str | None) -> list[ReportGroup]:
    """Every group of ``run`` under every thread budget: networks, then collections, then sweeps, each as measured."""
    pairs = LayerComparisons(comparisons)
    logs = _log_speedups(comparisons, baseline)
    asked = _layers_asked_for(run)
    groups = []
    columns = _columns(timings)
    numbers: dict[tuple[str, int], list[int]] = {}
    for number, key in enumerate(zip(timings["group"].tolist(), timings["threads"].tolist(), strict=True)):
        numbers.setdefault(key, []).append(number)
    for (name, threads), own in numbers.items():
        rows = {column: values[own] for column, values in columns.items()}
        groups.append(_group(name, threads, rows, asked.pop((name, threads), ()), pairs, logs, baseline))
    for (name, threads), layers in asked.items():  # the time budget ended before them
        groups.append(ReportGroup(name, threads, tuple(layers), tuple(layers), ()))
    titles = {name: model["title"] for name, model in run.settings["models"].items()}
    groups = [replace(group, model=titles.get(group.name, "")) for group in groups]
    order = list(dict.fromkeys(group.name for group in groups))
    return sorted(groups, key=lambda one: (one.is_sweep, not one.is_network, order.index(one.name), one.threads))


def _columns(timings: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """What is needed of the table, as arrays: to select rows of the table itself takes a millisecond for each group."""
    found: dict[str, NDArray[Any]] = {name: timings[name].to_numpy(dtype=object) for name in _TEXTS}
    found |= {name: timings[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _NUMBERS}
    return found | {
        "wins": timings["wins"].to_numpy(dtype=np.bool_),
        "count": timings["count"].to_numpy(dtype=np.int64),
    }


def _layers_asked_for(run: Run) -> dict[tuple[str, int], list[GroupRow]]:
    """By group and thread budget; empty for a run of a version that did not record them."""
    found: defaultdict[tuple[str, int], list[GroupRow]] = defaultdict(list)
    for each in run.settings["selection"]:
        found[each["group"], each["threads"]].append(GroupRow(each["name"], each["problem"].id, each["count"]))
    return dict(found)


def _group(
    name: str,
    threads: int,
    rows: Rows,
    asked: Sequence[GroupRow],
    pairs: LayerComparisons,
    logs: Mapping[tuple[str, int, str], float],
    baseline: str | None,
) -> ReportGroup:
    with_cells = (GroupRow(*line) for line in zip(rows["name"], rows["problem"], rows["count"].tolist(), strict=True))
    layers = tuple(dict.fromkeys((*asked, *with_cells)))
    placings, of_roof = _placings(layers, threads, rows, pairs, baseline)
    has_time = ~np.isnan(rows["median_s"])
    timed, led = (Counter(rows["backend"][chosen].tolist()) for chosen in (has_time, rows["wins"]))
    standings = []
    for backend in sorted(set(rows["backend"])):
        found = placings.by_backend.get(backend)
        standings.append(
            Standing(
                backend,
                timed=timed[backend],
                leading=led[backend],
                total=found.total if found else None,
                sign=found.sign if found else None,
                behind=found.behind if found else None,
                of_roof=of_roof[backend],
                **_speedup(backend, layers, threads, logs),
            )
        )
    standings.sort(key=_order)
    have = set(zip(rows["name"][has_time], rows["problem"][has_time], strict=True))
    missing = tuple(layer for layer in layers if (layer.name, layer.problem) not in have)
    return ReportGroup(name, threads, layers, missing, tuple(standings), placings.compared)


def _order(standing: Standing) -> tuple[bool, bool, float, int, str]:
    seconds = standing.total.seconds if standing.total else math.inf
    return standing.sign != "fastest", not standing.leads, seconds, -standing.timed, standing.backend


def _placings(
    layers: Sequence[GroupRow], threads: int, rows: Rows, pairs: LayerComparisons, baseline: str | None
) -> tuple[Placings, dict[str, float]]:
    """The placings of the backends on the group's total, and which share of each one's own sum the roofs take."""
    backends = sorted(set(rows["backend"]))
    # A problem that is two layers was measured once: its error is in both.
    counts: Counter[str] = Counter()
    for layer in layers:
        counts[layer.problem] += layer.occurrences
    problems = list(counts)
    at = (
        {problem: number for number, problem in enumerate(problems)},
        {one: place for place, one in enumerate(backends)},
    )
    where = tuple(
        np.array([index[one] for one in rows[column]], dtype=np.int64)
        for index, column in zip(at, ("problem", "backend"), strict=True)
    )

    def grid(column: str) -> Numbers:
        values = np.full((len(problems), len(backends)), np.nan)
        values[where] = rows[column]
        return values

    seconds, low, high = (grid(column) for column in _SUMMED)
    weights = np.array([counts[problem] for problem in problems], dtype=np.float64)
    times = LayerTimes(problems, weights, backends, ~np.isnan(grid("rank")), seconds, low, high)
    of_roof = (weights @ (seconds * grid("percent_of_roof") / 100)) / (weights @ seconds)
    return place(times, threads, pairs, baseline), dict(zip(backends, of_roof.tolist(), strict=True))


def _log_speedups(comparisons: pd.DataFrame, baseline: str | None) -> dict[tuple[str, int, str], float]:
    """Logarithm of the baseline's time over the backend's, by (problem, threads, backend)."""
    found: dict[tuple[str, int, str], float] = {}
    for own, other, sign in (("backend_a", "backend_b", -1.0), ("backend_b", "backend_a", 1.0)):
        # ratio is time of b over time of a: with the baseline as b it already is the speed-up of a.
        rows = comparisons[comparisons[own] == baseline]
        values = sign * np.log(rows["ratio"].to_numpy(dtype=np.float64))
        found |= dict(zip(zip(rows["problem"], rows["threads"], rows[other], strict=True), values, strict=True))
    return found


class _Speedup(TypedDict):
    """Geometric mean of the speed-ups over the baseline, and over how many layers; NaN where they share none."""

    speedup: float
    shared: int


def _speedup(
    backend: str, layers: Sequence[GroupRow], threads: int, logs: Mapping[tuple[str, int, str], float]
) -> _Speedup:
    keys = [(layer.problem, threads, backend) for layer in layers]
    shared = [logs[key] for key in keys if key in logs]
    mean = math.exp(sum(shared) / len(shared)) if shared else math.nan
    return {"speedup": mean, "shared": len(shared)}
