"""Scaling as a page: speed-ups of several runs, and what to run where only one thread budget was recorded."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, write_run
from report_folder import drawing, rows_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.reading.run import load_run

PROBLEM = "n1c8h8w8-o8"
TIMES = {1: {"a": 4e-3, "b<i>": 2e-3}, 2: {"a": 2e-3, "b<i>": 2.5e-3}}


def site_of(tmp_path: Path, *budgets: int) -> Path:
    """The page of a report over a run for each of ``budgets``."""
    runs = []
    for threads in budgets:
        cells = [cell(who, PROBLEM, [seconds] * 9, threads=threads) for who, seconds in TIMES[threads].items()]
        runs.append(analyse(load_run(write_run(tmp_path, cells, f"2026-01-0{threads}T03-04-05Z"))))
    with drawing(plots=False):
        return write_site(runs, tmp_path / "out")


def test_several_runs_of_one_machine_say_how_it_scales(tmp_path: Path) -> None:
    page = site_of(tmp_path, 1, 2)
    assert 'href="scaling.html"' in page.read_text(encoding="utf-8")
    assert 'href="scaling.html"' in page.with_name("run-1.html").read_text(encoding="utf-8")
    text = page.with_name("scaling.html").read_text(encoding="utf-8")
    said = (
        "2 threads instead of one: a gains most, 2.00× [2.00, 2.00] as fast, of 2 backends;"  # noqa: RUF001
        " surely slower than with one: b&lt;i&gt;."
    )
    assert f"<p>{said}</p>" in text
    assert f'aria-label="Scaling of tinynet on testbed-2-0123abcd: {said}"' in text
    assert "1 thread from 2026-01-01T03-04-05Z and 2 threads from 2026-01-02T03-04-05Z" in text
    assert "only" not in text.split("How to read it")[0].split("<main>")[1]
    rows = rows_of(page.parent / "tables" / "scaling-speedups-1.csv")
    assert [list(row.values())[1:] for row in rows] == [
        ["a", "1 4.00 ms", "2.00× [2.00, 2.00] 100 % of the threads 2.00 ms"],  # noqa: RUF001
        ["b<i>", "1 2.00 ms", "▼ 0.80× [0.80, 0.80] 40 % of the threads 2.50 ms"],  # noqa: RUF001
    ]
    numbers = rows_of(page.parent / "scaling.csv")
    assert [(row["backend"], row["threads"], row["speedup"]) for row in numbers] == [
        ("a", "1", ""),
        ("a", "2", "2"),
        ("b<i>", "1", ""),
        ("b<i>", "2", "0.8"),
    ]


def test_of_one_thread_budget_it_says_what_to_run(tmp_path: Path) -> None:
    page = site_of(tmp_path, 2)
    text = page.with_name("scaling.html").read_text(encoding="utf-8")
    assert "Of tinynet only 2 threads were recorded: no speed-up is known." in text
    assert "pointwise-bench run --shapes tinynet --threads 1 --threads 2</code>" in text
    assert "<svg" not in text


def test_a_run_without_a_network_has_no_such_page(tmp_path: Path) -> None:
    cells = [cell(who, PROBLEM, [1e-3] * 9, group="sweep-image") for who in "ab"]
    with drawing(plots=False):
        page = write_site([analyse(load_run(write_run(tmp_path, cells)))], tmp_path / "out")
    assert not page.with_name("scaling.html").exists()
