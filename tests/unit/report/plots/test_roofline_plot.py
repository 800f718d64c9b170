"""The roofline: which points are drawn where, and the lines above them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figures import colours_of, figure_of, legend_of, points_of
from make_run import CEILINGS, cell, run_of

from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.plots import roofline_plot
from pointwise_bench.report.plots.roofline_plot import draw_roofline
from pointwise_bench.report.plots.style import Look, looks

PROBLEM, OTHER = "n1c64h28w28-o128", "n1c128h14w14-o64"
# Flops and least bytes of the two: 2 * 64 * 784 * 128 over 4 * (50,176 + 8,192 + 100,352), and
# 2 * 128 * 196 * 64 over 4 * (25,088 + 8,192 + 12,544).
INTENSITY = {PROBLEM: 12_845_056 / 634_880, OTHER: 3_211_264 / 183_296}
ROOFS = Roofs.of({"ceilings": CEILINGS})  # 100 GFLOP/s; caches up to 100 GB/s, DRAM 10 GB/s


def arguments(
    folder: Path, cells: list[dict[str, Any]], roofs: Roofs = ROOFS, dtype: str = "float32", threads: int = 1
) -> tuple[str, int, pd.DataFrame, Roofs, dict[str, Look]]:
    """Those of ``draw_roofline``, but for the path."""
    run = run_of(folder, cells)
    table = tabulate(run, compare_run(run), roofs)
    return dtype, threads, table, roofs, looks(run.backends)


CELLS = [
    cell("a", PROBLEM, [1e-3] * 9, also=[{"group": "othernet", "name": "late", "count": 1}]),
    cell("a", OTHER, [1e-3] * 9),
    cell("b", PROBLEM, [2e-3] * 9),
    cell("b", PROBLEM, [1e-4] * 9, threads=2),
    cell("b", f"{PROBLEM}-float64", [1e-3] * 9),
    cell("c", PROBLEM, [1e-3] * 9, device="cuda"),
    cell("d", PROBLEM, status="wrong"),
]


def test_a_point_for_each_backend_and_problem_of_one_type_and_thread_budget(tmp_path: Path) -> None:
    """Once each, however many places the problem has; not what another device did, or what has no time."""
    figure = figure_of(roofline_plot, draw_roofline, *arguments(tmp_path, CELLS))
    (axes,) = figure.axes
    found = points_of(axes)
    assert found.keys() == {"a", "b"}
    assert found["a"][0] == pytest.approx([INTENSITY[PROBLEM], 12.845056])
    assert found["a"][1] == pytest.approx([INTENSITY[OTHER], 3.211264])
    assert found["b"][0] == pytest.approx([INTENSITY[PROBLEM], 6.422528])
    assert [len(found[name]) for name in "ab"] == [2, 1]
    assert colours_of(axes) == {name: looks("abcd")[name].colour for name in "ab"}
    assert legend_of(figure) == ["a", "b"]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("arithmetic intensity (FLOP per byte)", "GFLOP/s")


def test_the_roofs_are_slants_of_two_bandwidths_up_to_the_peak(tmp_path: Path) -> None:
    (axes,) = figure_of(roofline_plot, draw_roofline, *arguments(tmp_path, CELLS)).axes
    lines = {str(line.get_label()): line.get_xydata() for line in axes.lines}
    assert list(lines) == ["DRAM: 10 GB/s", "fastest cache: 100 GB/s"]
    for (name, line), speed in zip(lines.items(), (10, 100), strict=True):
        x, y = np.asarray(line).T
        assert y == pytest.approx(np.minimum(speed * x, 100)), name
    assert axes.get_title(loc="left") == "measured peak 100 GFLOP/s"


def test_the_axes_hold_every_point_the_corner_of_dram_and_the_peak(tmp_path: Path) -> None:
    (axes,) = figure_of(roofline_plot, draw_roofline, *arguments(tmp_path, CELLS)).axes
    # The corner of DRAM is at 10 FLOP per byte; a quarter of that is the left end. The right is 1.5 times the last.
    assert axes.get_xlim() == pytest.approx((2.5, 1.5 * INTENSITY[PROBLEM]))
    low, high = axes.get_ylim()
    assert high >= 300
    assert low <= min(3.2, high / 12)


def test_without_a_peak_there_are_slants_alone_and_without_ceilings_points_alone(tmp_path: Path) -> None:
    no_peak = Roofs({}, ROOFS.ladders, ROOFS.triads)
    (axes,) = figure_of(roofline_plot, draw_roofline, *arguments(tmp_path / "peak", CELLS, no_peak)).axes
    assert [str(line.get_label()) for line in axes.lines] == ["DRAM: 10 GB/s", "fastest cache: 100 GB/s"]
    assert axes.get_title(loc="left") == ""
    x, y = np.asarray(axes.lines[0].get_xydata()).T
    assert y == pytest.approx(10 * x)
    (bare,) = figure_of(roofline_plot, draw_roofline, *arguments(tmp_path / "all", CELLS, Roofs({}, {}, {}))).axes
    assert len(bare.lines) == 0
    assert bare.get_legend() is None
    assert len(points_of(bare)["a"]) == 2


@pytest.mark.parametrize("chosen", [{"dtype": "float16"}, {"threads": 4}])
def test_without_a_point_nothing_is_drawn(tmp_path: Path, chosen: dict[str, Any]) -> None:
    assert draw_roofline(*arguments(tmp_path, CELLS, **chosen), tmp_path / "plot.svg") is None
    assert not (tmp_path / "plot.svg").exists()


def test_of_many_points_those_of_a_backend_are_one_drawing_in_the_same_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shared by all of them stands in the file once."""
    apart = points_of(figure_of(roofline_plot, draw_roofline, *arguments(tmp_path / "apart", CELLS)).axes[0])
    monkeypatch.setattr(roofline_plot, "_APART_UP_TO", 2)
    (axes,) = figure_of(roofline_plot, draw_roofline, *arguments(tmp_path / "alike", CELLS)).axes
    alike = {
        str(one.get_label()): np.asarray(one.get_xydata(), dtype=np.float64).tolist()
        for one in axes.lines
        if one.get_linestyle() == "None"
    }
    assert alike == apart
    assert not points_of(axes)


def test_of_many_backends_the_fastest_are_drawn_and_the_words_count_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roofline_plot, "_MOST_BACKENDS", 1)
    picture = draw_roofline(*arguments(tmp_path, CELLS), tmp_path / "plot.svg")
    assert picture is not None
    assert picture.alt.endswith("; 1 slower backends are not drawn")
    (axes,) = figure_of(roofline_plot, draw_roofline, *arguments(tmp_path / "again", CELLS)).axes
    assert points_of(axes).keys() == {"a"}


def test_a_hopeless_point_is_cut_and_counted_where_it_would_squeeze_all_others(tmp_path: Path) -> None:
    cells = [*CELLS, cell("loops", PROBLEM, [1.0] * 9)]
    (axes,) = figure_of(roofline_plot, draw_roofline, *arguments(tmp_path, cells)).axes
    assert points_of(axes).keys() == {"a", "b"}
    said = "1 points below 1 % of what is possible are cut"
    assert axes.get_xlabel().endswith(said)
    picture = draw_roofline(*arguments(tmp_path / "again", cells), tmp_path / "plot.svg")
    assert picture is not None
    assert picture.alt.endswith(f"; {said}")
