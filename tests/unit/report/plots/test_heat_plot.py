"""The heat map: times over the fastest of each layer, and what stands where there is no time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figures import figure_of, texts_of, ticks_of
from make_run import cell, run_of
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.groups import ReportGroup, group_up
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.plots import heat_plot
from pointwise_bench.report.plots.heat_plot import draw_cells, draw_heat, heat_backends, slowdowns
from pointwise_bench.report.plots.style import EMPTY, SMALLEST_TEXT, WHITE_ON_CELL, new_figure

FIRST, SECOND, THIRD = "n1c64h28w28-o128", "n1c128h14w14-o64", "n1c8h4w4-o8"

CELLS = [
    cell("a", FIRST, [1e-3] * 9, name="first"),
    cell("a", SECOND, [4e-3] * 9, name="second"),
    cell("b", FIRST, [3e-3] * 9, name="first"),
    cell("b", SECOND, [2e-3] * 9, name="second"),
    cell("c", FIRST, status="wrong", name="first"),
    cell("c", SECOND, [30e-3] * 9, name="second"),
    cell("d", FIRST, status="unavailable", name="first"),
    cell("d", SECOND, status="unsupported", name="second"),
    cell("e", FIRST, status="unsupported", name="first"),
    cell("e", SECOND, status="crashed", name="second"),
]


def grouped(folder: Path, cells: list[dict[str, Any]]) -> tuple[ReportGroup, pd.DataFrame]:
    """The one group of a run and its rows."""
    run = run_of(folder, cells)
    comparisons = compare_run(run)
    table = tabulate(run, comparisons, Roofs({}, {}, {}))
    (group,) = group_up(run, table, comparisons, None)
    return group, table


def test_who_was_tried_stands_in_the_order_of_the_totals(tmp_path: Path) -> None:
    """A needs 5 ms for both layers, b 5 too, c has one, e none that is valid; d could not run anything."""
    group, table = grouped(tmp_path, CELLS)
    assert heat_backends(group, table) == ["a", "b", "c", "e"]


def test_ratios_are_over_the_fastest_of_each_layer(tmp_path: Path) -> None:
    group, table = grouped(tmp_path, CELLS)
    ratios, statuses = slowdowns(group, table, ["a", "b", "c", "e", "absent"])
    nan = np.nan
    assert ratios == pytest.approx(np.array([[1, 3, nan, nan, nan], [2, 1, 15, nan, nan]]), nan_ok=True)
    assert statuses == [["ok", "ok", "wrong", "unsupported", ""], ["ok", "ok", "ok", "crashed", ""]]


def test_a_layer_without_any_time_has_no_ratio(tmp_path: Path) -> None:
    group, table = grouped(tmp_path, [cell("a", FIRST, status="wrong"), cell("b", SECOND, [1.0] * 9)])
    ratios, _ = slowdowns(group, table, ["a", "b"])
    assert ratios == pytest.approx(np.array([[np.nan, np.nan], [np.nan, 1.0]]), nan_ok=True)


def test_every_cell_has_its_figure_or_its_status(tmp_path: Path) -> None:
    group, table = grouped(tmp_path, CELLS)
    figure = figure_of(heat_plot, draw_heat, group, table)
    axes = figure.axes[0]
    written = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    by_row = [[written[column + 0.5, row + 0.5] for column in range(4)] for row in range(2)]
    assert by_row == [["1.00", "3.00", "wrong", "unsupported"], ["2.00", "1.00", "15", "crashed"]]
    assert ticks_of(axes, "x") == ["a", "b", "c", "e"]
    assert ticks_of(axes, "y") == ["first", "second"]
    assert axes.yaxis_inverted()
    white = [text.get_text() for text in axes.texts if text.get_color() == WHITE_ON_CELL]
    assert white == ["3.00", "15"]  # from 2.2 on the ground is dark
    assert {text.get_fontsize() for text in axes.texts} == {SMALLEST_TEXT}


def test_the_words_tell_who_is_nearest_to_the_fastest_and_how_near(tmp_path: Path) -> None:
    group, table = grouped(tmp_path, CELLS)
    picture = draw_heat(group, table, tmp_path / "plot.svg")
    assert picture is not None
    assert picture.alt == (
        "tinynet: median time over the fastest backend's, layer by layer: a 1.50 (1.00 to 2.00, 2 layers), "
        "b 2.00 (1.00 to 3.00, 2 layers) and c 15.0 (15.0 to 15.0, 1 layers)"
    )


@pytest.mark.parametrize(("ratio", "text"), [(9.994, "9.99"), (9.996, "10"), (1234.4, "1,234")])
def test_a_large_ratio_has_no_decimals(tmp_path: Path, ratio: float, text: str) -> None:
    group, table = grouped(tmp_path, [cell("a", FIRST, [1e-3] * 9), cell("b", FIRST, [1e-3 * ratio] * 9)])
    assert texts_of(figure_of(heat_plot, draw_heat, group, table).axes[0]) == ["1.00", text]


def test_colours_are_on_one_scale_from_one_to_five(tmp_path: Path) -> None:
    group, table = grouped(tmp_path, CELLS)
    figure = figure_of(heat_plot, draw_heat, group, table)
    (mesh,) = [one for one in figure.axes[0].collections if isinstance(one, QuadMesh)]
    assert (mesh.norm.vmin, mesh.norm.vmax) == (1.0, 5.0)
    assert np.ma.getmaskarray(np.ma.asarray(mesh.get_array())).sum() == 3
    bar = figure.axes[1]
    assert bar.get_xlabel() == "time over the fastest backend's"
    assert ticks_of(bar, "x") == ["1", "1.25", "1.5", "2", "3", "5"]


def test_what_failed_is_hatched_and_what_is_not_supported_is_grey_alone() -> None:
    figure = new_figure(3, 3)
    axes = figure.subplots()
    ratios = np.array([[1.0, np.nan, np.nan], [np.nan, np.nan, 2.0]])
    draw_cells(axes, ratios, [["ok", "wrong", "unsupported"], ["", "unavailable", "ok"]])
    patches = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [patch.get_xy() for patch in patches] == [(1, 0), (2, 0), (0, 1), (1, 1)]
    assert [patch.get_hatch() for patch in patches] == ["////", None, None, None]
    assert {to_hex(patch.get_facecolor()) for patch in patches} == {EMPTY}


@pytest.mark.parametrize(("layers", "figures"), [(3, 6), (4, 0)])
def test_more_figures_than_the_limit_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layers: int, figures: int
) -> None:
    monkeypatch.setattr(heat_plot, "_FIGURES_UP_TO", 6)  # 700 in earnest, which takes seconds
    cells = [cell(name, f"n{number}c8h4w4-o8", [1e-3] * 2) for name in ("a", "b") for number in range(1, layers + 1)]
    group, table = grouped(tmp_path, cells)
    assert len(figure_of(heat_plot, draw_heat, group, table).axes[0].texts) == figures


def test_of_many_backends_the_first_are_drawn(tmp_path: Path) -> None:
    cells = [cell(f"b{number:02}", FIRST, [1e-3 + 1e-5 * number] * 9) for number in range(62)]
    backends = heat_backends(*grouped(tmp_path, cells))
    assert backends == [f"b{number:02}" for number in range(60)]


def test_where_nothing_was_tried_nothing_is_drawn(tmp_path: Path) -> None:
    group, table = grouped(tmp_path, [cell("a", FIRST, status="unavailable")])
    assert draw_heat(group, table, tmp_path / "plot.svg") is None
    assert not (tmp_path / "plot.svg").exists()
