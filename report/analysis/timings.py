"""The tidy table of a run: one row per cell and place where its problem appears."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

import numpy as np
import pandas as pd

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.roofline import Roof, Roofs
from pointwise_bench.report.analysis.series import CellTimes, times_of, values_of
from pointwise_bench.report.analysis.visible_differences import visible_percent
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.signs import LEADING, JudgedPairs, Sign, signs_of

COLUMNS: Final = (
    *("machine", "run", "backend", "problem", "group", "name", "threads", "status", "reason"),
    *("median_s", "low_s", "high_s", "gflops", "gb_per_s", "percent_of_roof", "bound_by", "rank"),
    *("error_ratio", "prepare_s", "first_call_s", "peak_rss_bytes", "output"),
    *("count", "rounds", "starts", "calls", "cpu_over_wall", "page_faults_per_call", "isolation", "cache"),
    "visible_percent",
)
# Whole numbers stay whole beside empty fields.
_WHOLE: Final = ("threads", "rank", "peak_rss_bytes", "count", "rounds", "starts", "calls")

RowKey = tuple[str, int, str]


class _Work(NamedTuple):
    """What a problem asks of a machine, whoever computes it: flops, least bytes, and its roof if that is known."""

    flops: int
    min_bytes: int
    roof: Roof | None


def tabulate(run: Run, comparisons: pd.DataFrame, ceilings: Roofs) -> pd.DataFrame:
    """``COLUMNS``, then ``device``, ``device_median_s``, ``sign``, ``leads`` and ``wins``, which only the page needs.

    ``rank`` is one more than the number of backends judged faster, so it ties where the evidence ties. ``sign`` tells
    how a time stands to the fastest one of its problem, and is empty where it is compared with nobody's; ``leads`` is
    what the page prints in bold: the fastest, and who is the same by evidence. It ``wins`` where nobody else could be.
    """
    beaten = _beaten(comparisons)
    rows: list[dict[str, Any]] = []
    comparable: dict[RowKey, float] = {}
    timed = [cell for cell in run.cells if cell.timed]
    times = dict(zip(map(id, timed), times_of(timed), strict=True))
    works: dict[tuple[str, int], _Work] = {}
    for cell in run.cells:
        where = (cell.problem.id, cell.threads)
        if where not in works:
            works[where] = _work(cell.problem, cell.threads, ceilings)
        row = _row(run, cell, times.get(id(cell)), works[where])
        key = (row["problem"], cell.threads, cell.backend)
        if cell.comparable_to_others:
            row["rank"] = 1 + beaten[key]
            comparable[key] = row["median_s"]
        rows += [row | {"group": place.group, "name": place.name, "count": place.count} for place in cell.places]
    signs = _signs(comparisons, comparable)
    open_ = {key[:2] for key, sign in signs.items() if sign == "undecided"}
    visible = visible_percent(comparisons, {key[:2]: key[2] for key, sign in signs.items() if sign == "fastest"})
    for row in rows:
        key = (row["problem"], row["threads"], row["backend"])
        sign = signs.get(key)
        leads = sign in LEADING
        row.update(sign=sign or "", leads=leads, wins=leads and key[:2] not in open_)
        row["visible_percent"] = visible.get(key, math.nan)
    table = pd.DataFrame(rows, columns=[*COLUMNS, "device", "device_median_s", "sign", "leads", "wins"])
    return table.astype(dict.fromkeys(_WHOLE, "Int64") | {"leads": "bool", "wins": "bool"})


def _work(problem: Problem, threads: int, ceilings: Roofs) -> _Work:
    return _Work(problem.flops, problem.min_bytes, ceilings.roof(problem, threads))


def _row(run: Run, cell: ReadCell, times: CellTimes | None, work: _Work) -> dict[str, Any]:
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
        "rounds": int(cell.samples.size) if times else None,
        "starts": times.starts if times else None,
        "calls": cell.calls,
        "cpu_over_wall": cell.cpu_over_wall,
        "page_faults_per_call": cell.page_faults_per_call,
        "isolation": cell.isolation,
        "cache": cell.cache,
        "device": cell.device,
        "median_s": math.nan,
    }
    return row | _speed(cell, times, work) if times else row


def _speed(cell: ReadCell, times: CellTimes, work: _Work) -> dict[str, Any]:
    median, low, high, _ = times
    # The ceilings are the processor's: a point of another device under them would mean nothing.
    roof = work.roof if cell.device == "cpu" else None
    return {
        "median_s": median,
        "low_s": low,
        "high_s": high,
        "gflops": work.flops / median / 1e9 if median else math.nan,
        "gb_per_s": work.min_bytes / median / 1e9 if median else math.nan,
        "percent_of_roof": 100 * roof.seconds / median if roof and median else math.nan,
        "bound_by": roof.bound_by if roof else None,
        "device_median_s": float(np.median(cell.device_samples)) if cell.device_samples.size else math.nan,
    }


def _beaten(comparisons: pd.DataFrame) -> Counter[RowKey]:
    """How many backends were judged faster than each."""
    beaten: Counter[RowKey] = Counter()
    for verdict, loser in (("faster", "backend_b"), ("slower", "backend_a")):
        lost = comparisons[comparisons["verdict"] == verdict]
        beaten.update(zip(*(values_of(lost[name]) for name in ("problem", "threads", loser)), strict=True))
    return beaten


def _signs(comparisons: pd.DataFrame, seconds: Mapping[RowKey, float]) -> dict[RowKey, Sign]:
    """By cell that may be compared, from its pairs; who has nobody beside it is the fastest."""
    found: dict[RowKey, Sign] = dict.fromkeys(seconds, "fastest")
    of_a, of_b = (comparisons[column].to_numpy(dtype=object) for column in ("backend_a", "backend_b"))
    ratio, verdict = comparisons["ratio"].to_numpy(dtype=np.float64), comparisons["verdict"].to_numpy(dtype=object)
    for key, rows in comparisons.groupby(["problem", "threads"], sort=False).indices.items():
        problem, threads = cast("tuple[str, int]", key)
        names = sorted({*of_a[rows], *of_b[rows]})
        at = {name: number for number, name in enumerate(names)}
        first, second = (np.array([at[name] for name in of[rows]], dtype=np.int64) for of in (of_a, of_b))
        keys = [(problem, int(threads), name) for name in names]
        pairs = JudgedPairs(first, second, ratio[rows], verdict[rows])
        found |= zip(keys, signs_of([seconds[key] for key in keys], pairs), strict=True)
    return found
