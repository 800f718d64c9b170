"""Machines side by side as a page: percentages and names, and the time of neither machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_run import CEILINGS, cell, write_run
from report_folder import drawing, rows_of

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.reading.run import load_run

PROBLEM = "n1c512h28w28-o512"
PEAK = max(phase["fma_peak_flops"]["float32"] for phase in CEILINGS)
LEAST = Problem.parse(PROBLEM).flops / PEAK
"""Seconds at the ceiling of computing, which this problem is bound by."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("machines")
    runs = []
    for machine, slower in (("big-4-00000001", {"a": 2, "b<i>": 4}), ("small-2-00000002", {"a": 5, "b<i>": 1.25})):
        cells = [cell(who, PROBLEM, [LEAST * each] * 9) for who, each in slower.items()]
        runs.append(analyse(load_run(write_run(folder, cells, machine=machine))))
    with drawing(plots=False):
        return write_site(runs, folder / "out")


def test_each_machine_has_its_shares_and_its_leader(page: Path) -> None:
    assert 'href="machines.html"' in page.read_text(encoding="utf-8")
    text = page.with_name("machines.html").read_text(encoding="utf-8")
    said = (
        "Layers with a verdict on all 2 machines and thread budgets: 1 of 1; with the same backend leading on each: 0."
    )
    assert f"<p>{said}</p>" in text
    assert 'style="--full:80%">80 %' in text
    rows = rows_of(page.parent / "tables" / "machines-shares-1.csv")
    columns = ["backend", "big-4-00000001, 1 thread", "small-2-00000002, 1 thread"]
    assert [[row[one] for one in columns] for row in rows] == [
        ["b<i>", "25 % leads 0 of 1", "80 % leads 1 of 1"],
        ["a", "50 % leads 1 of 1", "20 % leads 0 of 1"],
    ]
    (layer,) = rows_of(page.parent / "tables" / "machines-winners-1.csv")
    assert [layer[one] for one in columns[1:]] == ["a", "b<i>"]


def test_its_numbers_stand_beside_it(page: Path) -> None:
    numbers = rows_of(page.parent / "machines.csv")
    assert [(row["machine"][:3], row["backend"], round(float(row["percent_of_roof"]))) for row in numbers] == [
        ("big", "a", 50),
        ("big", "b<i>", 25),
        ("sma", "a", 20),
        ("sma", "b<i>", 80),
    ]
    winners = rows_of(page.parent / "machines-winners.csv")
    assert [(row["state"], row["leaders"]) for row in winners] == [("decided", "a"), ("decided", "b<i>")]


def test_no_time_of_a_machine_is_on_the_page_or_beside_it(page: Path) -> None:
    text = page.with_name("machines.html").read_text(encoding="utf-8").split("<main>")[1].split("<script")[0]
    assert not [unit for unit in (" ms", " µs", " s<") if unit in text]
    for name in ("machines.csv", "machines-winners.csv"):
        assert not [column for column in rows_of(page.parent / name)[0] if column.endswith("_s")]
