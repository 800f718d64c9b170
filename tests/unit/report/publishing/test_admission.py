"""Contributed runs: each thing that must hold, broken on its own, and seen."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from make_run import CEILINGS, cell, write_run

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.publishing.admission import checks_of
from pointwise_bench.report.reading.run import load_run

PROBLEM = "n1c64h28w28-o128"  # 12.8 million flops: 128 microseconds at the peak of make_run's machine
HONEST = [cell("a", PROBLEM, [1e-3] * 9), cell("b", PROBLEM, [2e-3] * 9)]


def faults(folder: Path, cells: list[dict[str, Any]], **changed: Any) -> dict[str, str]:
    found = analyse(load_run(write_run(folder, cells, **changed)))
    return {name: fault for name, fault in checks_of(found, lambda _: None) if fault}


def test_an_honest_run_is_accepted(tmp_path: Path) -> None:
    assert faults(tmp_path, HONEST) == {}


def test_a_line_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, [*HONEST, {"backend": "c"}])["schema"].startswith("line 3")
    assert faults(tmp_path / "empty", []) == {"schema": "it holds no cells"}


def test_a_layer_that_occurs_so_and_so_often_is_a_fault(tmp_path: Path) -> None:
    """By two cells, or by a cell and what was asked for: totals had counted it twice. Another layer may differ."""
    twice = [HONEST[0], HONEST[1] | {"count": 2}]
    said = {"schema": f"{PROBLEM} of tinynet occurs 1 times by one entry and 2 by another"}
    assert faults(tmp_path / "cells", twice) == said
    asked = {"group": "tinynet", "name": PROBLEM, "problem": PROBLEM, "threads": 1, "count": 1}
    assert faults(tmp_path / "asked", HONEST, selection=[asked]) == {}
    assert faults(tmp_path / "otherwise", HONEST, selection=[asked | {"count": 2}])["schema"].startswith(PROBLEM)
    again = {"group": "tinynet", "name": "again", "count": 2}
    assert faults(tmp_path / "other", [one | {"also": [again]} for one in HONEST]) == {}


def test_a_time_without_an_error_within_its_bound_is_a_fault(tmp_path: Path) -> None:
    said = faults(tmp_path, [HONEST[0], cell("b", PROBLEM, [2e-3] * 9, error_ratio=None)])
    assert said == {"gate": f"1 times without an error within its bound, such as b on {PROBLEM}"}


def test_an_error_beyond_its_bound_is_a_fault_even_where_reading_let_it_pass(tmp_path: Path) -> None:
    found = analyse(load_run(write_run(tmp_path, HONEST)))
    for error in (1.01, math.inf, math.nan):
        cells = (dataclasses.replace(found.run.cells[0], error_ratio=error), *found.run.cells[1:])
        forged = dataclasses.replace(found, run=dataclasses.replace(found.run, cells=cells))
        assert [check.name for check in checks_of(forged, lambda _: None) if check.fault] == ["gate"]


def with_ceiling(**changed: Any) -> list[dict[str, Any]]:
    return [CEILINGS[0], CEILINGS[1] | changed]


@pytest.mark.parametrize(
    ("ceilings", "said"),
    [
        ([], "no ceilings with 1 threads"),
        (with_ceiling(fma_peak_flops={"float32": 1.1e12}), "a peak of 1,100 GFLOP/s in float32 with 1 threads"),
        (with_ceiling(triad_bytes_per_s=3e12), "3,000 GB/s with 1 threads is no memory's"),
        (with_ceiling(fma_peak_flops={"float32": 200e9}), "the peak in float32 with 1 threads changed 2.2 times"),
    ],
)
def test_ceilings_that_are_no_machines_are_a_fault(tmp_path: Path, ceilings: list[dict[str, Any]], said: str) -> None:
    assert faults(tmp_path, HONEST, ceilings=ceilings)["ceilings"].startswith(said)


@pytest.mark.parametrize(("seconds", "caught"), [(1.30e-4, False), (1.20e-4, True)])
def test_a_cell_above_its_roof_is_a_fault(tmp_path: Path, seconds: float, caught: bool) -> None:
    said = faults(tmp_path, [HONEST[0], cell("b", PROBLEM, [seconds] * 9)])
    assert ("roofs" in said) is caught
    assert not caught or said["roofs"] == f"1 cells above their roof, b on {PROBLEM} at 107 %"


def test_a_cell_whose_interval_reaches_below_its_roof_may_be_right(tmp_path: Path) -> None:
    wide = [1.1e-4, 1.2e-4, 1.4e-4] * 3
    assert faults(tmp_path, [HONEST[0], cell("b", PROBLEM, wide)]) == {}


def test_other_rules_and_wrong_controls_are_faults(tmp_path: Path) -> None:
    found = analyse(load_run(write_run(tmp_path, HONEST)))
    assert dict(checks_of(found, lambda policy: f"other: {sorted(policy)}"))["rules"] == "other: ['rounds', 'verdict']"
    folder = write_run(
        tmp_path / "controls", HONEST, controls={"backend": "a", "threads": 1, "slower_by_percent": {"slow": 50.0}}
    )
    # Slowed by a half on purpose, and measured as twice as fast.
    import json

    line = json.dumps(cell("slow", PROBLEM, [5e-4] * 9))
    (folder / "controls.jsonl").write_text(line + "\n", encoding="utf-8")
    said = dict(checks_of(analyse(load_run(folder)), lambda _: None))["controls"]
    assert said == "a backend that was slowed on purpose was called faster in 1 of 1"
