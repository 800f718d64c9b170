"""The tidy table: times, ranks that tie where the evidence ties, and shares of the roof, worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from make_run import cell, run_of

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import COLUMNS, tabulate

PROBLEM, OTHER = "n1c64h28w28-o128", "n1c128h14w14-o64"
FLOPS, BYTES = 12_845_056, 634_880  # of PROBLEM; see test_roofline


def table_of(folder: Path, cells: list[dict[str, Any]], **changed: Any) -> pd.DataFrame:
    """The table of a run with these cells."""
    run = run_of(folder, cells, **changed)
    return tabulate(run, compare_run(run), Roofs.of(run.settings))


def column_of(table: pd.DataFrame, name: str) -> dict[Any, Any]:
    """One column, by backend."""
    return dict(table.set_index("backend")[name])


# --- times --------------------------------------------------------------------------------------------------------


def test_a_time_is_a_median_with_its_interval(tmp_path: Path) -> None:
    """Nine rounds: the sign test's interval is from rank 2 to rank 8."""
    samples = [1e-3 * one for one in (5, 1, 9, 2, 8, 3, 7, 4, 6)]
    row = table_of(tmp_path, [cell("a", PROBLEM, samples, calls=7)]).iloc[0]
    assert (row["median_s"], row["low_s"], row["high_s"]) == pytest.approx((5e-3, 2e-3, 8e-3))
    assert (row["rounds"], row["starts"], row["calls"]) == (9, 3, 7)
    assert row["gflops"] == pytest.approx(FLOPS / 5e-3 / 1e9)
    assert row["gb_per_s"] == pytest.approx(BYTES / 5e-3 / 1e9)


def test_every_place_of_a_problem_is_a_row_with_its_count(tmp_path: Path) -> None:
    also = [{"group": "othernet", "name": "late", "count": 3}, {"group": "tinynet", "name": "early", "count": 2}]
    table = table_of(tmp_path, [cell("a", PROBLEM, [1e-3] * 9, name="early", count=2, also=also)])
    assert table[["group", "name", "count"]].to_numpy().tolist() == [["tinynet", "early", 2], ["othernet", "late", 3]]
    assert table["median_s"].tolist() == [1e-3, 1e-3]


def test_what_has_no_time_has_no_rank_and_says_why(tmp_path: Path) -> None:
    table = table_of(tmp_path, [cell("a", PROBLEM, [1e-3] * 9), cell("b", PROBLEM, status="wrong", reason="planted")])
    row = table.set_index("backend").loc["b"]
    assert (row["status"], row["reason"], row["leads"]) == ("wrong", "planted", False)
    assert all(pd.isna(row[name]) for name in ("median_s", "low_s", "gflops", "rank", "rounds", "percent_of_roof"))
    # Whole numbers stay whole beside empty fields.
    assert table["rank"].tolist()[0] == 1
    assert str(table["rank"].dtype) == str(table["peak_rss_bytes"].dtype) == "Int64"


def test_a_run_without_cells_has_a_table_with_all_columns(tmp_path: Path) -> None:
    table = table_of(tmp_path, [])
    assert len(table) == 0
    assert list(table.columns)[: len(COLUMNS)] == list(COLUMNS)


# --- the roof -----------------------------------------------------------------------------------------------------


def test_percent_of_roof_by_hand(tmp_path: Path) -> None:
    problem = Problem.parse(PROBLEM)
    compute_s, memory_s = problem.flops / 100e9, problem.min_bytes / 40e9
    assert compute_s > memory_s
    row = table_of(tmp_path, [cell("a", PROBLEM, [4 * compute_s] * 9)]).iloc[0]
    # 100 GFLOP/s is the peak of the second phase: the better one counts.
    assert row["percent_of_roof"] == pytest.approx(25.0)
    assert row["bound_by"] == "compute"
    assert row["gflops"] == pytest.approx(25.0)


@pytest.mark.parametrize(
    "changed", [{"device": "cuda"}, {"threads": 2}], ids=["another device", "no ceiling for the thread budget"]
)
def test_there_is_no_roof_of_another_device_or_thread_budget(tmp_path: Path, changed: dict[str, Any]) -> None:
    row = table_of(tmp_path, [cell("a", PROBLEM, [1e-3] * 9, **changed)]).iloc[0]
    assert math.isnan(row["percent_of_roof"])
    assert row["bound_by"] is None
    assert row["gflops"] == pytest.approx(12.845056)


def test_the_devices_own_clock_is_a_column_of_its_own(tmp_path: Path) -> None:
    device_s = [1e-4 * one for one in (1, 2, 3, 4, 5, 6, 7, 8, 90)]
    table = table_of(
        tmp_path, [cell("a", PROBLEM, [1e-3] * 9, device_samples_s=device_s), cell("b", PROBLEM, [1e-3] * 9)]
    )
    own = column_of(table, "device_median_s")
    assert own["a"] == pytest.approx(5e-4)
    assert math.isnan(own["b"])


# --- ranks --------------------------------------------------------------------------------------------------------


def test_ranks_tie_where_the_evidence_ties(tmp_path: Path) -> None:
    steady = np.full(31, 1e-3)
    table = table_of(
        tmp_path,
        [
            cell("first", PROBLEM, steady),
            cell("also-first", PROBLEM, steady * 1.001),
            cell("behind", PROBLEM, steady * 2),
            cell("few-rounds", PROBLEM, np.full(2, 1.0)),
        ],
    )
    assert column_of(table, "rank") == {"first": 1, "also-first": 1, "behind": 3, "few-rounds": 1}
    assert column_of(table, "leads") == {"first": True, "also-first": True, "behind": False, "few-rounds": False}


def test_ranks_are_of_one_problem_and_one_thread_budget(tmp_path: Path) -> None:
    """The rank is one more than the number of backends judged faster there, whatever they are elsewhere."""
    steady = np.full(31, 1e-3)
    cells = [cell(name, PROBLEM, steady * factor) for name, factor in (("a", 1), ("b", 2), ("c", 4), ("d", 8))]
    cells += [cell(name, OTHER, steady * factor) for name, factor in (("a", 4), ("b", 1))]
    cells += [cell(name, PROBLEM, steady * factor, threads=2) for name, factor in (("a", 4), ("b", 1))]
    table = table_of(tmp_path, cells)
    found = {(row["problem"], row["threads"], row["backend"]): row["rank"] for row in table.to_dict("records")}
    assert [found[PROBLEM, 1, name] for name in "abcd"] == [1, 2, 3, 4]
    assert [found[OTHER, 1, name] for name in "ab"] == [2, 1]
    assert [found[PROBLEM, 2, name] for name in "ab"] == [2, 1]


def test_too_few_rounds_for_any_verdict_lead_only_with_the_shortest_time(tmp_path: Path) -> None:
    """Two cells of two rounds: neither can be judged, so both have rank 1, but bold is the shorter one."""
    table = table_of(tmp_path, [cell("a", PROBLEM, [2e-3] * 2), cell("b", PROBLEM, [1e-3] * 2)])
    assert column_of(table, "rank") == {"a": 1, "b": 1}
    assert column_of(table, "leads") == {"a": False, "b": True}


def test_one_backend_alone_leads_and_one_in_process_never_does(tmp_path: Path) -> None:
    assert column_of(table_of(tmp_path / "one", [cell("a", PROBLEM, [1e-3] * 9)]), "leads") == {"a": True}
    cells = [cell("a", PROBLEM, [1e-3] * 9), cell("b", PROBLEM, [1e-6] * 9, isolation="in-process")]
    table = table_of(tmp_path / "two", cells)
    assert column_of(table, "leads") == {"a": True, "b": False}
    assert pd.isna(column_of(table, "rank")["b"])


def test_a_reduced_precision_never_leads(tmp_path: Path) -> None:
    steady = np.full(31, 1e-3)
    cells = [cell("exact", PROBLEM, steady), cell("tf32", PROBLEM, steady / 3, arithmetic="tf32")]
    assert column_of(table_of(tmp_path, cells), "leads") == {"exact": True, "tf32": False}
