"""One row per backend over all networks of a run: how often it is fastest, by how much; and what it is like beside."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from pointwise_bench.common.status import OK
from pointwise_bench.report.analysis.groups import ReportGroup, Standing
from pointwise_bench.report.analysis.series import by_backend, values_of
from pointwise_bench.report.analysis.wording import DASH, memory, times
from pointwise_bench.report.reading.run import Run


@dataclass(frozen=True)
class Overview:
    """One backend over all networks of a run; ``ok`` counts cells, ``led`` layers of networks."""

    backend: str
    ok: str
    led: str
    speedup: str
    of_roof: str


@dataclass(frozen=True)
class Like:
    """What one worker's backend was seen to be like, in words."""

    worker: str  # the backend and its thread budget, as run.json names them
    repeats: str
    same_in_a_batch: str
    kept_per_call: str
    kept_per_shape: str


def properties(run: Run) -> list[Like]:
    """One row per worker that was looked at, by name."""
    return [
        Like(
            worker,
            _yes_or_no(seen["repeats"]),
            _yes_or_no(seen["same_in_a_batch"]),
            _kept(seen["bytes_per_call"]),
            _kept(seen["bytes_per_shape"]),
        )
        for worker, seen in sorted(run.settings["properties"].items())
    ]


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def _kept(size: int | None) -> str:
    return DASH if size is None else memory(size) if size else "nothing"


def overview(run: Run, timings: pd.DataFrame, groups: Sequence[ReportGroup], baseline: str | None) -> list[Overview]:
    """One row per backend, the one that leads most layers first."""
    networks = [group for group in groups if group.is_network]
    layers = sum(group.covered for group in networks)
    # Gone through once: selecting each backend's rows would take the square of how many there are.
    of_networks: defaultdict[str, list[Standing]] = defaultdict(list)
    for one in (standing for group in networks for standing in group.standings):
        of_networks[one.backend].append(one)
    of_roofs: defaultdict[str, list[float]] = defaultdict(list)
    known = timings[timings["percent_of_roof"].notna()]
    for name, share in zip(values_of(known["backend"]), values_of(known["percent_of_roof"]), strict=True):
        of_roofs[name].append(share)
    rows = []
    for backend, cells in by_backend(run.cells).items():
        standings = of_networks[backend]
        led = sum(one.leading for one in standings)
        shares = of_roofs[backend]
        row = Overview(
            backend=backend,
            ok=f"{sum(cell.status == OK for cell in cells)} of {len(cells)}",
            led=f"{led} of {layers}",
            speedup="baseline" if backend == baseline else times(_mean_speedup(standings)),
            of_roof=f"{median(shares):.0f} %" if shares else DASH,
        )
        rows.append((-led, backend, row))
    return [row for *_, row in sorted(rows, key=lambda entry: entry[:2])]


def _mean_speedup(standings: Sequence[Standing]) -> float:
    """Geometric mean over all layers of all networks: every layer weighs the same."""
    shared = sum(one.shared for one in standings)
    logs = sum(one.shared * math.log(one.speedup) for one in standings if one.shared)
    return math.exp(logs / shared) if shared else math.nan
