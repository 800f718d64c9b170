"""Performance profiles as a page: the finding, its picture and its numbers beside it."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, run_of
from report_folder import drawing, rows_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.pages.views.performance_profile import FACTORS, view
from pointwise_bench.report.plots.line_chart import HEIGHT, LEFT
from pointwise_bench.report.plots.style import looks

ONE, TWO = "n1c8h8w8-o8", "n1c8h16w16-o8"
CELLS = [cell("a", ONE, [1e-3] * 9), cell("b<i>", ONE, [3e-3] * 9), cell("a", TWO, [1.2e-3] * 9)]
CELLS += [cell("b<i>", TWO, [1e-3] * 9), cell("gone", ONE, status="unavailable", reason="not here")]


def test_the_page_says_the_shares_and_has_them_beside_it(tmp_path: Path) -> None:
    with drawing(plots=False):
        page = write_site([analyse(run_of(tmp_path, CELLS))], tmp_path / "out")
    assert 'href="performance-profile.html"' in page.read_text(encoding="utf-8")
    text = (tmp_path / "out" / "performance-profile.html").read_text(encoding="utf-8")
    said = "Of 2 problems a is the fastest on 50 %; within 1.50× of the fastest are a on 100 %, b&lt;i&gt; on 50 %."  # noqa: RUF001
    assert f"<p>{said}</p>" in text
    assert f'aria-label="Performance profiles, 1 thread: {said}"' in text
    assert 'href="performance-profile.csv"' in text
    rows = rows_of(tmp_path / "out" / "tables" / "performance-profile-within.csv")
    shares = [list(row.values())[1:] for row in rows]
    assert shares == [
        ["a", *(["50 %"] * 3), *(["100 %"] * 5), "1.20×", "2", "·", "·"],  # noqa: RUF001
        ["b<i>", *(["50 %"] * 6), "100 %", "100 %", "3.00×", "2", "·", "·"],  # noqa: RUF001
        ["gone", *(["–"] * len(FACTORS)), "–", "0", "1", "1"],  # noqa: RUF001
    ]
    numbers = rows_of(tmp_path / "out" / "performance-profile.csv")
    assert [(row["backend"], row["problems"], float(row["factor"])) for row in numbers] == [
        ("a", "2", 1.0),
        ("a", "2", 1.2),
        ("b<i>", "2", 1.0),
        ("b<i>", "2", 3.0),
    ]


def test_the_curve_begins_at_the_share_of_being_fastest_and_reaches_all(tmp_path: Path) -> None:
    values = view(analyse(run_of(tmp_path, CELLS)), looks(["a", "b<i>", "gone"]))
    assert values is not None
    chart = values["budgets"][0]["chart"]
    assert [line.name for line in chart.lines] == ["a", "b<i>"]
    for line in chart.lines:
        places = [[float(one) for one in point.split(",")] for point in line.points.split(" ")]
        assert places[0] == [LEFT, (12 + HEIGHT - 46) / 2]
        assert places[-1][1] == 12
        assert sorted(places, key=lambda place: -place[1]) == places


def test_of_several_runs_each_has_its_own_file(tmp_path: Path) -> None:
    runs = [analyse(run_of(tmp_path / name, CELLS, name=f"2026-01-0{name}T03-04-05Z")) for name in "12"]
    with drawing(plots=False):
        write_site(runs, tmp_path / "out")
    for number in (1, 2):
        text = (tmp_path / "out" / f"{number}-performance-profile.html").read_text(encoding="utf-8")
        assert f'href="{number}-performance-profile.csv"' in text
        assert (tmp_path / "out" / f"{number}-performance-profile.csv").is_file()


def test_where_nobody_was_compared_there_is_no_page(tmp_path: Path) -> None:
    assert view(analyse(run_of(tmp_path, [cell("a", ONE, [1e-3] * 9)])), {}) is None
