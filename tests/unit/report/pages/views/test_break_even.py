"""Break-even as a page: what a reader sees is what was computed, and stands beside it as numbers."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, run_of
from report_folder import drawing, rows_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.pages.views.break_even import view

ONE = "n1c8h8w8-o8"
CELLS = [
    cell("soon", ONE, [4e-3] * 9, prepare_s=0.008, first_call_s=0.002),
    cell("packs<i>", ONE, [2e-3] * 9, prepare_s=0.108, first_call_s=0.002),
    cell("slow", ONE, [5e-3] * 9, prepare_s=0.058, first_call_s=0.002),
]


def test_the_page_says_from_how_many_passes_on(tmp_path: Path) -> None:
    with drawing(plots=False):
        page = write_site([analyse(run_of(tmp_path, CELLS))], tmp_path / "out")
    assert 'href="break-even.html"' in page.read_text(encoding="utf-8")
    text = (tmp_path / "out" / "break-even.html").read_text(encoding="utf-8")
    said = "soon has its first result soonest; from 51 passes on packs&lt;i&gt; has spent least."
    assert f"<p>{said}</p>" in text
    assert f'aria-label="Break-even on tinynet, 1 thread: {said}"' in text
    rows = rows_of(tmp_path / "out" / "tables" / "break-even-networks.csv")
    assert [list(row.values())[1:] for row in rows] == [
        ["packs<i>", "51 [51, 51]", "soon", "110 ms", "2.00 ms"],
        ["soon", "ready first", "–", "10.0 ms", "4.00 ms"],  # noqa: RUF001
        ["slow", "never", "soon", "60.0 ms", "5.00 ms"],
    ]
    rows = rows_of(tmp_path / "out" / "tables" / "break-even-backends.csv")
    assert [list(row.values())[1:] for row in rows] == [
        ["packs<i>", "1", "·", "1", "·", "·", "51 (≤ 51)"],
        ["slow", "1", "·", "·", "1", "·", "–"],  # noqa: RUF001
        ["soon", "1", "1", "·", "·", "·", "–"],  # noqa: RUF001
    ]
    (layer,) = rows_of(tmp_path / "out" / "tables" / "break-even-layers-1.csv")
    assert (layer["packs<i>"], layer["slow"], layer["soon"]) == ("51", "never", "ready first")
    numbers = rows_of(tmp_path / "out" / "break-even.csv")
    assert [
        (row["network_or_layer"], row["backend"], row["state"], row["calls"], row["ahead_s"]) for row in numbers
    ] == [
        (name, who, state, calls, ahead)
        for name in ("tinynet", ONE)
        for who, state, calls, ahead in (
            ("packs<i>", "after", "51", "0.11"),
            ("soon", "first", "1", "0.01"),
            ("slow", "never", "", "0.06"),
        )
    ]


def test_where_nobody_was_compared_there_is_no_page(tmp_path: Path) -> None:
    assert view(analyse(run_of(tmp_path, CELLS[:1])), {}) is None
