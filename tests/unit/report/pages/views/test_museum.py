"""The museum as a page."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, run_of
from report_folder import drawing, rows_of

from pointwise_bench.common.shape_groups import MUSEUM
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.pages.views.museum import view

SIXTEEN = "n1c16h60w60-o16-bias"
OF_IT = {"group": MUSEUM, "name": "oneDNN#437"}
CELLS = [cell(who, SIXTEEN, [time] * 9, **OF_IT) for who, time in (("torch-conv2d", 3e-4), ("torch-matmul", 1e-4))]


def test_the_page_says_what_the_machine_shows(tmp_path: Path) -> None:
    with drawing(plots=False):
        page = write_site([analyse(run_of(tmp_path, CELLS))], tmp_path / "out")
    assert 'href="museum.html"' in page.read_text(encoding="utf-8")
    text = (tmp_path / "out" / "museum.html").read_text(encoding="utf-8")
    assert "Of 1 reports 1 can be seen here, 0 cannot." in text
    assert 'href="https://github.com/uxlfoundation/oneDNN/issues/437"' in text
    (row,) = rows_of(tmp_path / "out" / "tables" / "museum-museum.csv")
    assert (row["report"], row["here"], row["layer"]) == ("oneDNN#437", "shown", SIXTEEN)


def test_of_a_run_without_the_museum_there_is_no_page(tmp_path: Path) -> None:
    assert view(analyse(run_of(tmp_path, [cell("a", SIXTEEN, [1e-3] * 9)])), {}) is None
