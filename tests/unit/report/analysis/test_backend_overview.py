"""One row per backend over all networks: layers led, the mean speed-up, the share of the roof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from make_run import CEILINGS, cell, run_of

from pointwise_bench.report.analysis.backend_overview import Like, Overview, overview, properties
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.groups import group_up
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.analysis.wording import DASH

FIRST, SECOND, THIRD = "n1c64h28w28-o128", "n1c128h14w14-o64", "n1c8h4w4-o8"
ROOF_S = 12_845_056 / 100e9  # of FIRST: its flops at the peak of 100 GFLOP/s
CROSS = "\N{MULTIPLICATION SIGN}"


def rows_of(folder: Path, cells: list[dict[str, Any]], baseline: str | None) -> list[Overview]:
    """The overview of a run with these cells."""
    run = run_of(folder, cells)
    comparisons = compare_run(run)
    table = tabulate(run, comparisons, Roofs.of({"ceilings": CEILINGS}))
    return overview(run, table, group_up(run, table, comparisons, baseline), baseline)


def timed(backend: str, problem: str, seconds: float, **changed: Any) -> dict[str, Any]:
    """A cell whose rounds all took the same."""
    return cell(backend, problem, [seconds] * 9, **changed)


def test_who_leads_most_layers_of_networks_comes_first(tmp_path: Path) -> None:
    """B leads two of the three layers of two networks; that a leads the basics and a sweep counts for nothing."""
    cells = [timed("a", FIRST, 1.0), timed("a", SECOND, 2.0), timed("a", THIRD, 2.0, group="othernet")]
    cells += [timed("b", FIRST, 2.0), timed("b", SECOND, 1.0), timed("b", THIRD, 1.0, group="othernet")]
    for number, group in enumerate(("basics", "sweep-batch", "claims"), 2):
        cells += [
            timed("a", f"n{number}c8h4w4-o8", 1.0, group=group),
            timed("b", f"n{number}c8h4w4-o8", 2.0, group=group),
        ]
    cells.append(cell("c", FIRST, status="wrong"))
    rows = rows_of(tmp_path, cells, None)
    assert [(row.backend, row.led, row.ok) for row in rows] == [
        ("b", "2 of 3", "6 of 6"),
        ("a", "1 of 3", "6 of 6"),
        ("c", "0 of 3", "0 of 1"),
    ]


def test_ties_are_in_the_order_of_names(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [timed("b", FIRST, 1.0), timed("a", FIRST, 1.0)], None)
    assert [(row.backend, row.led) for row in rows] == [("a", "1 of 1"), ("b", "1 of 1")]


def test_the_mean_speed_up_weighs_every_layer_of_every_network_alike(tmp_path: Path) -> None:
    """Twice as fast on two layers of one network, sixteen times on the one of another: the cube root of 64 is 4."""
    cells = [timed("base", FIRST, 2.0), timed("base", SECOND, 4.0), timed("base", THIRD, 16.0, group="othernet")]
    cells += [timed("a", FIRST, 1.0), timed("a", SECOND, 2.0), timed("a", THIRD, 1.0, group="othernet")]
    cells += [cell("none", FIRST, status="wrong")]
    speedups = {row.backend: row.speedup for row in rows_of(tmp_path, cells, "base")}
    assert speedups == {"a": f"4.00{CROSS}", "base": "baseline", "none": DASH}


def test_the_share_of_the_roof_is_the_median_over_all_cells(tmp_path: Path) -> None:
    cells = [
        timed("a", FIRST, ROOF_S / 0.10),
        timed("a", FIRST, ROOF_S / 0.10, device="cuda", threads=2),
        timed("b", FIRST, ROOF_S / 0.40),
        timed("c", FIRST, ROOF_S / 0.40, device="cuda"),
    ]
    shares = {row.backend: row.of_roof for row in rows_of(tmp_path, cells, None)}
    assert shares == {"a": "10 %", "b": "40 %", "c": DASH}


def test_a_run_without_cells_has_no_rows(tmp_path: Path) -> None:
    assert rows_of(tmp_path, [], None) == []


def test_what_a_backend_is_like_is_said_in_words_by_name(tmp_path: Path) -> None:
    seen = {"repeats": True, "same_in_a_batch": False, "bytes_per_call": 2**20, "bytes_per_shape": None}
    run = run_of(tmp_path, [], properties={"b, 1 threads": seen, "a, 2 threads": {**seen, "bytes_per_call": 0}})
    assert properties(run) == [
        Like("a, 2 threads", "yes", "no", "nothing", DASH),
        Like("b, 1 threads", "yes", "no", "1.00 MiB", DASH),
    ]


def test_the_table_of_times_is_gone_through_once_however_many_backends_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty backends on one layer; who looked for each one's rows would compare thirty times as many names."""
    compared = 0
    equal = pd.Series.__eq__

    def counted(column: Any, other: object) -> Any:
        nonlocal compared
        compared += len(column)
        return equal(column, other)

    run = run_of(tmp_path, [timed(f"b{number:02}", FIRST, 1.0 + number) for number in range(30)])
    comparisons = compare_run(run)
    table = tabulate(run, comparisons, Roofs.of({"ceilings": CEILINGS}))
    groups = group_up(run, table, comparisons, None)
    monkeypatch.setattr(pd.Series, "__eq__", counted)
    assert len(overview(run, table, groups, None)) == 30
    assert compared <= len(table)
