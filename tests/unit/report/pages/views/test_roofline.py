"""The roofline's page: each point says its layer, backend, time and share, and everything stands in a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from make_run import cell, run_of

from pointwise_bench.report.pages.rendering import render
from pointwise_bench.report.pages.run_analysis import RunAnalysis, analyse
from pointwise_bench.report.pages.views import roofline
from pointwise_bench.report.plots.line_chart import HEIGHT, TOP
from pointwise_bench.report.plots.style import looks

PROBLEM, OTHER = "n1c64h28w28-o128", "n1c128h14w14-o64"
ROOF_S = 12_845_056 / 100e9  # flops of the first over the peak


@pytest.fixture
def found(tmp_path: Path) -> RunAnalysis:
    cells = [
        cell("a", PROBLEM, [2 * ROOF_S] * 9, name="conv1", also=[{"group": "othernet", "name": "late", "count": 1}]),
        cell("a", OTHER, [1e-3] * 9, name="<b>"),
        cell("b", PROBLEM, [4 * ROOF_S] * 9, name="conv1"),
        cell("loops", PROBLEM, [1.0] * 9, name="conv1"),
    ]
    return analyse(run_of(tmp_path, cells))


def page_of(found: RunAnalysis) -> str:
    values = roofline.view(found, looks(["a", "b", "loops"]))
    assert values is not None
    return render("roofline.html", home="index.html", machine="m", started_at="t", prefix="2-", **values)


def test_a_point_says_its_layer_backend_time_and_share_and_leads_to_the_layer(found: RunAnalysis) -> None:
    page = page_of(found)
    points = re.findall(r'<path d="M([\d.]+) ([\d.]+)m[^"]*" data-at="([^"]*)"><title>([^<]*)</title>', page)
    assert [said for *_, said in points] == [
        "&lt;b&gt; of tinynet; a: 1.00 ms [1.00 ms, 1.00 ms], 3 % of its roof (compute), 3.21 GFLOP/s",
        "conv1 and 1 more of tinynet; a: 257 µs [257 µs, 257 µs], 50 % of its roof (compute), 50.0 GFLOP/s",
        "conv1 of tinynet; b: 514 µs [514 µs, 514 µs], 25 % of its roof (compute), 25.0 GFLOP/s",
    ]
    assert {place for _, _, place, _ in points} == {
        "2-layers-tinynet-threads-1.html#layer-1",
        "2-layers-tinynet-threads-1.html#layer-2",
    }
    (x, fast), (same, slow) = [(float(x), float(y)) for x, y, _, said in points if said.startswith("conv1")]
    assert x == same
    assert TOP < fast < slow < HEIGHT
    assert "Cut: 1 point below 1 % of what is possible, of loops (1)." in page


def test_the_finding_is_said_with_its_figures_and_the_lines_are_what_was_measured(found: RunAnalysis) -> None:
    page = page_of(found)
    assert "Fastest is a with 50 GFLOP/s of 100 that were measured at most; nearest to its roof a with 50 %" in page
    assert "DRAM: 10 GB/s" in page
    assert "fastest cache: 100 GB/s" in page


def test_all_points_stand_in_a_file_with_what_became_of_them(found: RunAnalysis) -> None:
    values = roofline.view(found, looks(["a", "b", "loops"]))
    assert values is not None
    (file,) = values["beside"]
    assert file.name == "roofline.csv"
    rows = [dict(zip(file.columns, row, strict=True)) for row in file.rows]
    assert [(row["backend"], row["drawn"]) for row in rows] == [
        ("a", "yes"),
        ("a", "yes"),
        ("b", "yes"),
        ("loops", "cut"),
    ]


def test_without_a_time_on_the_processor_there_is_no_page(tmp_path: Path) -> None:
    cells = [cell("a", PROBLEM, [1e-3] * 9, device="cuda"), cell("b", PROBLEM)]
    assert roofline.view(analyse(run_of(tmp_path, cells)), looks(["a", "b"])) is None


def test_without_ceilings_points_stand_alone_and_say_so(tmp_path: Path) -> None:
    page = page_of(analyse(run_of(tmp_path, [cell("a", PROBLEM, [1e-3] * 9)], ceilings=[])))
    assert "roof not known" in page
    assert "curve" not in page.split("</style>")[1].split("<script")[0]


def test_a_layer_of_a_group_with_several_pages_leads_to_the_first(
    found: RunAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roofline, "MOST_ROWS", 3)
    assert 'data-at="2-layers-tinynet-threads-1.html"' in page_of(found)
