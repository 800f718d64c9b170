"""What of a run is set beside other runs: the networks' totals, shares of ceilings and leaders, and no sample."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pointwise_bench.common.formats import rules_of
from pointwise_bench.report.analysis.network_totals import Total
from pointwise_bench.report.analysis.series import values_of
from pointwise_bench.report.statistics.signs import LEADING

if TYPE_CHECKING:
    import pandas as pd

    from pointwise_bench.report.analysis.groups import ReportGroup
    from pointwise_bench.report.reading.run import Run
    from pointwise_bench.report.reading.timed_models import TimedModel

_SUMMED: Final = ("median_s", "low_s", "high_s")


class LayerLeaders(NamedTuple):
    """Who leads a layer: nobody where somebody else could be the fastest; None where nobody was compared."""

    name: str
    problem: str
    leaders: tuple[str, ...] | None


class Own(NamedTuple):
    """A backend on a whole network: what its own layers add up to, and which share of that the machine's roofs take.

    ``starts`` is how many starts of its worker each of its layers was measured in at least.
    """

    total: Total
    of_roof: float
    starts: int = 0


@dataclass(frozen=True)
class RecordedNetwork:
    """A network under one thread budget; ``backends`` is empty where a layer is missing."""

    name: str
    threads: int
    is_whole: bool
    backends: Mapping[str, Own]
    layers: tuple[LayerLeaders, ...]


@dataclass(frozen=True)
class Recorded:
    """One run, and the whole models of its machine; ``rules`` is the same for runs that were measured alike."""

    machine: str
    run: str
    started_at: str
    rules: str
    networks: tuple[RecordedNetwork, ...]
    timed_models: tuple[TimedModel, ...] = ()


def recorded(run: Run, timings: pd.DataFrame, groups: Sequence[ReportGroup]) -> Recorded:
    """The networks of ``run``, in the order of its groups."""
    networks = [group for group in groups if group.is_network]
    sums = _sums(timings) if networks else {}
    leaders = _leaders(timings) if networks else {}
    caches = sorted({cell.cache for cell in run.cells if cell.timed})
    rules = json.dumps([rules_of(run.settings["policy"]), caches], sort_keys=True, default=str)
    found = tuple(_network(group, sums, leaders) for group in networks)
    return Recorded(run.machine, run.name, run.started_at or run.name, rules, found, run.timed_models)


def _network(
    group: ReportGroup,
    sums: Mapping[tuple[str, int, str], Own],
    leaders: Mapping[tuple[str, int], tuple[str, ...]],
) -> RecordedNetwork:
    # Only of who is compared with others: the rest was disturbed, or answered another question.
    own = {
        one.backend: sums[group.name, group.threads, one.backend]._replace(of_roof=one.of_roof)
        for one in group.standings
        if group.is_whole and one.total is not None and one.sign is not None
    }
    layers = tuple(
        LayerLeaders(layer.name or layer.problem, layer.problem, leaders.get((layer.problem, group.threads)))
        for layer in group.layers
    )
    return RecordedNetwork(group.name, group.threads, group.is_whole, own, layers)


def _sums(timings: pd.DataFrame) -> dict[tuple[str, int, str], Own]:
    """Of every group and backend; NaN where it has no time for a layer. What share the roofs take is not known yet."""
    found: defaultdict[tuple[str, int, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    keys = zip(*(values_of(timings[one]) for one in ("group", "threads", "backend")), strict=True)
    columns = np.column_stack([timings[one].to_numpy(dtype=np.float64) for one in _SUMMED])
    counted = (columns * timings["count"].to_numpy(dtype=np.float64)[:, None]).tolist()
    fewest: dict[tuple[str, int, str], int] = {}
    starts = timings["starts"].to_numpy(dtype=np.int64, na_value=0).tolist()
    for key, row, own in zip(keys, counted, starts, strict=True):
        fewest[key] = min(own, fewest.get(key, own))
        sums = found[key]
        for place, value in enumerate(row):
            sums[place] += value
    return {key: Own(Total(*sums), np.nan, fewest[key]) for key, sums in found.items()}


def _leaders(timings: pd.DataFrame) -> dict[tuple[str, int], tuple[str, ...]]:
    signs: defaultdict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    columns = (values_of(timings[one]) for one in ("problem", "threads", "backend", "sign"))
    for problem, threads, backend, sign in zip(*columns, strict=True):
        if sign:
            signs[problem, threads][backend] = sign
    # Who was measured alone won against nobody.
    return {
        key: () if "undecided" in of.values() else tuple(sorted(name for name, sign in of.items() if sign in LEADING))
        for key, of in signs.items()
        if len(of) > 1
    }
