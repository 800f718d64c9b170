"""Models in general as a page."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, run_of
from report_folder import drawing, rows_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.pages.views.census import view

SMALL, BIG = "n1c8h8w8-o8", "n1c8h64w64-o8"
CELLS = [
    cell(who, problem, [seconds] * 12, group="census", name=problem, count=count)
    for problem, count, times in ((SMALL, 30, (1e-3, 2e-3)), (BIG, 10, (2e-3, 1e-3)))
    for who, seconds in zip(("a", "b<i>"), times, strict=True)
]
MISSING = {"group": "census", "name": "third", "threads": 1, "problem": "n1c9h8w8-o8", "count": 5}


def test_the_page_says_who_wins_by_use(tmp_path: Path) -> None:
    with drawing(plots=False):
        page = write_site([analyse(run_of(tmp_path, CELLS))], tmp_path / "out")
    assert 'href="census.html"' in page.read_text(encoding="utf-8")
    text = (tmp_path / "out" / "census.html").read_text(encoding="utf-8")
    assert "a is the fastest on 75 % and b&lt;i&gt; is the fastest on 25 %; on 0 % the evidence does not" in text
    assert "(2 layers, for 40 occurrences)" in text
    kinds = rows_of(tmp_path / "out" / "tables" / "census-census-kinds.csv")
    assert [(row["layers"], row["of use"], row["of work"], row["leads most"]) for row in kinds] == [
        ("up to 8 x 8 pixels", "75 %", "4 %", "a on 100 %"),
        ("more pixels", "25 %", "96 %", "b<i> on 100 %"),
    ]
    backends = rows_of(tmp_path / "out" / "tables" / "census-census-backends.csv")
    assert [(row["backend"], row["leads, of use"], row["leads, of work"]) for row in backends] == [
        ("a", "75 %", "4 %"),
        ("b<i>", "25 %", "96 %"),
    ]


def test_it_says_of_how_many_layers_a_part_is(tmp_path: Path) -> None:
    values = view(analyse(run_of(tmp_path, CELLS, selection=[MISSING])), {})
    assert values is not None
    assert "(2 layers, of 3 that stand for all, for 40 occurrences)" in values["budgets"][0]["sentence"]


def test_of_a_run_without_the_census_there_is_no_page(tmp_path: Path) -> None:
    assert view(analyse(run_of(tmp_path, [cell("a", SMALL, [1e-3] * 12)])), {}) is None
