"""The tidy table of a run: one row per cell and place where its problem appears."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any, Final

import numpy as np
import pandas as pd

from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.series import clusters_of
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run

COLUMNS: Final = (
    *("machine", "run", "backend", "problem", "group", "name", "threads", "status", "reason"),
    *("median_s", "low_s", "high_s", "gflops", "gb_per_s", "percent_of_roof", "bound_by", "rank"),
    *("error_ratio", "prepare_s", "first_call_s", "peak_rss_bytes", "output"),
    *("count", "rounds", "starts", "calls", "cpu_over_wall", "page_faults_per_call", "isolation", "cache"),
)
# Whole numbers stay whole beside empty fields.
_WHOLE: Final = ("threads", "rank", "peak_rss_bytes", "count", "rounds", "starts", "calls")

RowKey = tuple[str, int, str]


def tabulate(run: Run, comparisons: pd.DataFrame, ceilings: Roofs) -> pd.DataFrame:
    """``COLUMNS``, then ``device``, ``device_median_s`` and ``leads``, which only the page needs.

    ``rank`` is one more than the number of backends judged faster, so it ties where the evidence ties. ``leads`` is
    what the page prints in bold: rank 1, unless that rank is owed only to having too few rounds for a sign test.
    """
    beaten, silent = _beaten(comparisons), _silent(comparisons)
    rows: list[dict[str, Any]] = []
    shortest: defaultdict[tuple[str, int], float] = defaultdict(lambda: math.inf)
    for cell in run.cells:
        row = _row(run, cell, ceilings)
        key = (cell.problem.id, cell.threads, cell.backend)
        if cell.comparable_to_others:
            row["rank"] = 1 + beaten[key]
            shortest[key[:2]] = min(shortest[key[:2]], row["median_s"])
        row["silent"] = key in silent
        rows += [row | {"group": place.group, "name": place.name, "count": place.count} for place in cell.places]
    for row in rows:
        is_shortest = row["median_s"] == shortest[row["problem"], row["threads"]]
        row["leads"] = row["rank"] == 1 and (is_shortest or not row["silent"])
    table = pd.DataFrame(rows, columns=[*COLUMNS, "device", "device_median_s", "leads"])
    return table.astype(dict.fromkeys(_WHOLE, "Int64") | {"leads": "bool"})


def _row(run: Run, cell: ReadCell, ceilings: Roofs) -> dict[str, Any]:
    row: dict[str, Any] = {
        "machine": run.machine,
        "run": run.name,
        "backend": cell.backend,
        "problem": cell.problem.id,
        "threads": cell.threads,
        "status": cell.status,
        "reason": cell.reason,
        "rank": None,
        "error_ratio": cell.error_ratio,
        "prepare_s": cell.prepare_s,
        "first_call_s": cell.first_call_s,
        "peak_rss_bytes": None if math.isnan(cell.peak_rss_bytes) else int(cell.peak_rss_bytes),
        "output": cell.output,
        "rounds": int(cell.samples.size) if cell.timed else None,
        "starts": clusters_of(cell).count if cell.timed else None,
        "calls": cell.calls,
        "cpu_over_wall": cell.cpu_over_wall,
        "page_faults_per_call": cell.page_faults_per_call,
        "isolation": cell.isolation,
        "cache": cell.cache,
        "device": cell.device,
        "median_s": math.nan,
    }
    return row | _speed(cell, ceilings) if cell.timed else row


def _speed(cell: ReadCell, ceilings: Roofs) -> dict[str, Any]:
    median, low, high = clusters_of(cell).median_interval()
    problem = cell.problem
    # The ceilings are the processor's: a point of another device under them would mean nothing.
    roof = ceilings.roof(problem, cell.threads) if cell.device == "cpu" else None
    return {
        "median_s": median,
        "low_s": low,
        "high_s": high,
        "gflops": problem.flops / median / 1e9 if median else math.nan,
        "gb_per_s": problem.min_bytes / median / 1e9 if median else math.nan,
        "percent_of_roof": 100 * roof.seconds / median if roof and median else math.nan,
        "bound_by": roof.bound_by if roof else None,
        "device_median_s": float(np.median(cell.device_samples)) if cell.device_samples.size else math.nan,
    }


def _beaten(comparisons: pd.DataFrame) -> Counter[RowKey]:
    """How many backends were judged faster than each."""
    beaten: Counter[RowKey] = Counter()
    for verdict, loser in (("faster", "backend_b"), ("slower", "backend_a")):
        lost = comparisons[comparisons["verdict"] == verdict]
        beaten.update(zip(lost["problem"], lost["threads"], lost[loser], strict=True))
    return beaten


def _silent(comparisons: pd.DataFrame) -> set[RowKey]:
    """Cells that were compared, but with too few rounds for a sign test."""
    heard: set[RowKey] = set()
    compared: set[RowKey] = set()
    for side in ("backend_a", "backend_b"):
        keys = list(zip(comparisons["problem"], comparisons["threads"], comparisons[side], strict=True))
        compared.update(keys)
        heard.update(key for key, tested in zip(keys, comparisons["sign_tested"], strict=True) if tested)
    return compared - heard
