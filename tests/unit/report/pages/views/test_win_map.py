"""The win map as a page: a square for each zone, in words and not by colour alone."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, run_of
from report_folder import drawing, rows_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.pages.views.win_map import view
from pointwise_bench.report.plots.style import looks

BIG, SMALL = "n1c64h28w28-o64", "n1c8h4w4-o8"
CELLS = [cell(name, BIG, [time] * 9) for name, time in (("a", 1e-3), ("b<i>", 2e-3))]
CELLS += [cell(name, SMALL, [time] * 9) for name, time in (("a", 2e-5), ("b<i>", 1e-5))]


def test_each_zone_says_who_wins_and_of_how_many(tmp_path: Path) -> None:
    values = view(analyse(run_of(tmp_path, CELLS)), looks(["a", "b<i>"]))
    assert values is not None
    ((title, channels, rows, tally),) = values["maps"]
    assert (title, channels, [pixels for pixels, _ in rows]) == (
        "float32, nchw, forward, 1 thread",
        [8, 64],
        [1024, 16],
    )
    squares = [[one and (one.state, one.who, one.count) for one in row] for _, row in rows]
    assert squares == [[None, ("won", "a", "1 layer")], [("won", "b<i>", "1 layer"), None]]
    assert tally == "Of 2 problems 2 have a verdict: a leads on 1; b<i> leads on 1."


def test_the_map_is_a_page_with_its_table_as_csv_and_the_run_links_to_it(tmp_path: Path) -> None:
    with drawing(plots=False):
        page = write_site([analyse(run_of(tmp_path, CELLS))], tmp_path / "out")
    assert 'href="win-map.html"' in page.read_text(encoding="utf-8")
    text = (tmp_path / "out" / "win-map.html").read_text(encoding="utf-8")
    assert "<strong>b&lt;i&gt;</strong>" in text
    rows = rows_of(tmp_path / "out" / "tables" / "win-map-win-map.csv")
    assert [(row["pixels \\ channels"], row["8"], row["64"]) for row in rows] == [
        ("1,024", "", "a 1 layer"),
        ("16", "b<i> 1 layer", ""),
    ]


def test_of_a_run_without_times_there_is_no_map(tmp_path: Path) -> None:
    with drawing(plots=False):
        page = write_site([analyse(run_of(tmp_path, [cell("a", BIG)]))], tmp_path / "out")
    assert "win-map" not in page.read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "win-map.html").exists()
