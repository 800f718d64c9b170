"""The picture of a run: which networks it shows, their bars with whiskers, and the layers of the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figures import figure_of, texts_of, ticks_of
from make_run import cell, run_of
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.groups import ReportGroup, group_up
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.plots import overview_plot
from pointwise_bench.report.plots.overview_plot import draw_picture
from pointwise_bench.report.plots.style import looks

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"
BACKENDS = ("a", "b", "slow")


def grouped(folder: Path, cells: list[dict[str, Any]]) -> tuple[list[ReportGroup], pd.DataFrame]:
    """The groups of a run and its table."""
    run = run_of(folder, cells)
    comparisons = compare_run(run)
    table = tabulate(run, comparisons, Roofs({}, {}, {}))
    return group_up(run, table, comparisons, None), table


def picture(folder: Path, cells: list[dict[str, Any]]) -> Figure:
    """The picture of a run with these cells."""
    return figure_of(overview_plot, draw_picture, *grouped(folder, cells), looks(BACKENDS), "testbed")


def network(name: str, times: dict[str, float], layers: int = 1, threads: int = 1) -> list[dict[str, Any]]:
    """Cells of a network of ``layers`` layers, each of which takes ``times`` by backend."""
    return [
        cell(backend, f"n{number}c8h4w4-o{len(name)}", [seconds] * 9, group=name, threads=threads)
        for backend, seconds in times.items()
        for number in range(1, layers + 1)
    ]


def bars_of(axes: Axes) -> list[Rectangle]:
    """From the top down."""
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def titles_of(figure: Figure) -> list[str]:
    return [title for axes in figure.axes if (title := axes.get_title(loc="left"))]


def test_a_bar_is_the_sum_of_the_layers_in_milliseconds_the_fastest_first(tmp_path: Path) -> None:
    cells = network("tinynet", {"b": 2e-3, "a": 1e-3}, layers=3)
    axes = picture(tmp_path, cells).axes[0]
    assert [bar.get_width() for bar in bars_of(axes)] == pytest.approx([3.0, 6.0])
    assert ticks_of(axes, "y") == ["a", "b"]
    assert axes.yaxis_inverted()
    assert [to_hex(bar.get_facecolor()).upper() for bar in bars_of(axes)] == [looks("ab")[name].colour for name in "ab"]
    assert texts_of(axes) == ["3.00 ms", "6.00 ms"]
    assert [text.get_fontweight() for text in axes.texts] == ["bold", "normal"]
    # The longest bar ends at 6; beside it there is room for its text.
    assert axes.get_xlim() == pytest.approx((0.0, 1.1 * 6.0 * 1.3))


def test_whiskers_are_the_sums_of_the_layers_intervals(tmp_path: Path) -> None:
    """Nine rounds of 1 to 9 ms in one layer that occurs twice: 10 ms, from 4 to 16."""
    cells = [cell("a", FIRST, [1e-3 * one for one in range(1, 10)], count=2)]
    axes = picture(tmp_path, cells).axes[0]
    (whisker,) = [one for one in axes.collections if isinstance(one, LineCollection)]
    assert np.asarray(whisker.get_segments()[0])[:, 0].tolist() == pytest.approx([4.0, 16.0])


def test_a_bar_more_than_four_times_the_shortest_is_cut_hatched_and_says_so(tmp_path: Path) -> None:
    axes = picture(tmp_path, network("tinynet", {"a": 1e-3, "b": 4e-3, "slow": 50e-3})).axes[0]
    # The limit is a tenth beyond the longest that is not cut.
    assert [bar.get_width() for bar in bars_of(axes)] == pytest.approx([1.0, 4.0, 4.4])
    assert [bar.get_hatch() for bar in bars_of(axes)] == [None, None, "//"]
    assert texts_of(axes) == ["1.00 ms", "4.00 ms", "50.0 ms (cut)"]
    assert len([one for one in axes.collections if isinstance(one, LineCollection)]) == 2


def test_three_networks_at_most_those_with_most_totals_then_most_layers_then_by_name(tmp_path: Path) -> None:
    cells = network("znet-1", {"a": 1e-3, "b": 2e-3})
    cells += network("few", {"a": 1e-3}, layers=5)
    cells += network("anet-22", {"a": 1e-3, "b": 2e-3})
    cells += network("deepnet-1", {"a": 1e-3, "b": 2e-3}, layers=2)
    cells += [cell(name, SECOND, [1e-3] * 9, group="basics") for name in BACKENDS]
    shown = titles_of(picture(tmp_path, cells))
    assert shown == [
        *(f"{name}: all 1x1 layers, ms" for name in ("deepnet-1", "anet-22", "znet-1")),
        "deepnet-1: layer by layer",
    ]


def test_of_several_thread_budgets_the_largest_is_shown(tmp_path: Path) -> None:
    cells = network("tinynet", {"a": 1e-3, "b": 2e-3}) + network("tinynet", {"a": 3e-3}, threads=2)
    figure = picture(tmp_path, cells)
    assert texts_of(figure.axes[0]) == ["3.00 ms"]
    assert figure.get_suptitle().startswith("testbed, 2 threads\n")


def test_the_map_has_backends_down_and_layers_across(tmp_path: Path) -> None:
    cells = network("tinynet", {"a": 1e-3, "b": 2e-3}, layers=3)
    cells += [cell("slow", "n1c8h4w4-o7", status="wrong")]
    axes = picture(tmp_path, cells).axes[1]
    (mesh,) = [one for one in axes.collections if isinstance(one, QuadMesh)]
    values = np.ma.filled(np.ma.asarray(mesh.get_array(), dtype=np.float64), np.nan)
    expected = [[1, 1, 1], [2, 2, 2], [np.nan] * 3]
    assert values == pytest.approx(np.array(expected), nan_ok=True)
    assert ticks_of(axes, "y") == ["a", "b", "slow"]
    assert axes.get_xlabel() == "3 distinct layers"
    assert [patch.get_hatch() for patch in axes.patches] == ["////", None, None]


def test_without_a_network_that_somebody_has_all_of_the_picture_says_so(tmp_path: Path) -> None:
    cells = [
        cell("a", FIRST, [1e-3] * 9),
        cell("a", SECOND, status="wrong"),
        cell("b", FIRST, [1e-3] * 9, group="basics"),
    ]
    figure = picture(tmp_path, cells)
    assert figure.axes == []
    assert [text.get_text() for text in figure.texts][1:] == ["no network has a backend with times for all layers"]
