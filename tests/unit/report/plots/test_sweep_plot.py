"""The plot of a sweep: which axis varies, and what is drawn along it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figures import figure_of, legend_of, ticks_of
from make_run import cell, run_of

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.plots import sweep_plot
from pointwise_bench.report.plots.style import looks
from pointwise_bench.report.plots.sweep_plot import Axis, draw_sweep, find_axis

LOOKS = looks(["a", "b"])


def table_of(folder: Path, cells: list[dict[str, Any]]) -> pd.DataFrame:
    """The table of a run with these cells."""
    run = run_of(folder, cells)
    return tabulate(run, compare_run(run), Roofs({}, {}, {}))


def gflops(problem: str, seconds: float) -> float:
    """By hand: two flops a multiply-add."""
    one = Problem.parse(problem)
    macs = one.batch * one.in_channels * one.out_channels * one.height * one.width
    return 2 * macs / seconds / 1e9


def along(name: str, seconds: dict[int, float], problem: str = "n{}c8h4w4-o8", **changed: Any) -> list[dict[str, Any]]:
    """Cells of one backend along a sweep."""
    return [cell(name, problem.format(size), [s] * 9, group="sweep-batch", **changed) for size, s in seconds.items()]


# --- the axis -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "problems", "axis"),
    [
        ("sweep-batch", ["n1c8h4w4-o8", "n2c8h4w4-o8"], Axis(("batch",), (), True)),
        ("sweep-image", ["n1c8h4w4-o8", "n1c8h7w7-o8"], Axis(("height", "width"), (), True)),
        ("sweep-layout", ["n1c8h4w4-o8", "n1c8h4w4-o8-nhwc"], Axis(("layout",), (), False)),
        # Two fields vary on their own: the one that the group is named for is the axis, the other makes panels.
        (
            "sweep-groups",
            [f"n1c{c}h4w4-o16{g}" for c in (16, 32) for g in ("", "-g2", "-g4")],
            Axis(("groups",), ("in_channels",), True),
        ),
        (
            "sweep-in-channels",
            [f"n1c{c}h4w4-o16{g}" for c in (16, 32) for g in ("", "-g2", "-g4")],
            Axis(("in_channels",), ("groups",), True),
        ),
        # Not named for any: the one with most values; a word only where there is no number.
        (
            "sweep-all",
            [f"n{n}c8h4w4-o{o}" for n in (1, 2) for o in (4, 8, 16)],
            Axis(("out_channels",), ("batch",), True),
        ),
        ("sweep-all", ["n1c8h4w4-o8", "n2c8h4w4-o8-nhwc"], Axis(("batch",), (), True)),
        # What follows from the axis needs no panel.
        ("sweep-batch", ["n1c8h9w9-o8", "n2c8h5w5-o8", "n3c8h5w5-o8"], Axis(("batch",), (), True)),
        ("sweep-batch", ["n1c8h4w4-o8"], Axis(("in_channels",), (), True)),
    ],
)
def test_the_axis_is_what_varies(group: str, problems: list[str], axis: Axis) -> None:
    assert find_axis(group, [Problem.parse(one) for one in problems]) == axis


def test_an_axis_is_named_by_its_fields() -> None:
    assert Axis(("height", "width"), (), True).label == "height = width"
    assert Axis(("in_channels",), (), True).label == "in channels"


# --- what is drawn ------------------------------------------------------------------------------------------------


def test_every_backend_is_a_line_over_the_measured_sizes(tmp_path: Path) -> None:
    table = table_of(tmp_path, along("b", {1: 1e-3, 2: 1e-3}) + along("a", {2: 3e-3, 1: 2e-3, 4: 4e-3}))
    figure = figure_of(sweep_plot, draw_sweep, "sweep-batch", table, LOOKS)
    (axes,) = figure.axes
    lines = {str(line.get_label()): line for line in axes.lines}
    assert lines.keys() == {"a", "b"}
    expected = [[size, gflops(f"n{size}c8h4w4-o8", s)] for size, s in ((1, 2e-3), (2, 3e-3), (4, 4e-3))]
    assert np.asarray(lines["a"].get_xydata()) == pytest.approx(np.array(expected))
    assert [lines[name].get_color() for name in "ab"] == [LOOKS[name].colour for name in "ab"]
    assert [lines[name].get_marker() for name in "ab"] == [LOOKS[name].marker for name in "ab"]
    assert ticks_of(axes, "x") == ["1", "2", "4"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")) == ("batch", "GFLOP/s", "1 thread")
    assert legend_of(figure) == ["a", "b"]


def test_the_band_is_the_times_interval_turned_over(tmp_path: Path) -> None:
    """Nine rounds of 1 to 9 ms: the time is 5 ms from 2 to 8, so the speed is a fifth, from an eighth to a half."""
    rounds = [1e-3 * one for one in range(1, 10)]
    cells = [cell("a", f"n{size}c8h4w4-o8", rounds, group="sweep-batch") for size in (1, 2)]
    (axes,) = figure_of(sweep_plot, draw_sweep, "sweep-batch", table_of(tmp_path, cells), LOOKS).axes
    (band,) = axes.collections
    x, y = np.asarray(band.get_paths()[0].vertices, dtype=np.float64).T
    for size in (1, 2):
        ends = y[x == size]
        work = gflops(f"n{size}c8h4w4-o8", 1e-3)
        assert [ends.min(), ends.max()] == pytest.approx([work / 8, work / 2])


def test_a_wide_range_of_sizes_or_speeds_is_logarithmic(tmp_path: Path) -> None:
    close = table_of(tmp_path / "close", along("a", {2: 1e-3, 3: 1e-3}))
    (axes,) = figure_of(sweep_plot, draw_sweep, "sweep-batch", close, LOOKS).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "linear")
    assert axes.get_ylim()[0] == 0
    wide = table_of(tmp_path / "wide", along("a", {1: 1e-3, 4: 0.3e-3}))
    (axes,) = figure_of(sweep_plot, draw_sweep, "sweep-batch", wide, LOOKS).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_thread_budgets_and_further_fields_are_panels(tmp_path: Path) -> None:
    cells = [
        cell("a", f"n{n}c{c}h4w4-o8", [1e-3] * 9, group="sweep-batch", threads=threads)
        for threads in (1, 2)
        for c in (8, 16)
        for n in (1, 2)
    ]
    figure = figure_of(sweep_plot, draw_sweep, "sweep-batch", table_of(tmp_path, cells[:-2]), LOOKS)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["in channels 8, 1 thread", "in channels 16, 1 thread", "in channels 8, 2 threads", ""]
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1, 0]
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]


def test_a_backend_that_is_not_in_the_first_panel_is_in_the_legend(tmp_path: Path) -> None:
    cells = along("b", {1: 1e-3, 2: 1e-3}) + along("a", {1: 1e-3, 2: 1e-3}, threads=2)
    figure = figure_of(sweep_plot, draw_sweep, "sweep-batch", table_of(tmp_path, cells), LOOKS)
    assert legend_of(figure) == ["a", "b"]


def test_words_are_categories_with_a_point_and_a_whisker_for_each_backend(tmp_path: Path) -> None:
    """Two backends stand a quarter left and right of each word."""
    cells = [
        cell(name, f"n1c8h4w4-o8{layout}", [1e-3 * one for one in range(1, 10)], group="sweep-layout")
        for name in ("a", "b")
        for layout in ("", "-nhwc")
    ]
    (axes,) = figure_of(sweep_plot, draw_sweep, "sweep-layout", table_of(tmp_path, cells), LOOKS).axes
    assert ticks_of(axes, "x") == ["nchw", "nhwc"]
    assert axes.get_xlim() == (-0.5, 1.5)
    places = [np.asarray(line.get_xydata())[:, 0].tolist() for line in axes.lines]
    assert places == [[-0.125, 0.875], [0.125, 1.125]]
    work = gflops("n1c8h4w4-o8", 1e-3)
    whiskers = [bar for container in axes.containers for bar in container.get_children()[-1:]]
    ends = np.asarray(whiskers[0].get_segments()[0])  # type: ignore[attr-defined]
    assert ends[:, 1].tolist() == pytest.approx([work / 8, work / 2])


def test_of_many_sizes_about_ten_are_named(tmp_path: Path) -> None:
    cells = along("a", dict.fromkeys(range(1, 26), 1e-3))
    (axes,) = figure_of(sweep_plot, draw_sweep, "sweep-batch", table_of(tmp_path, cells), LOOKS).axes
    assert ticks_of(axes, "x") == [str(size) for size in range(1, 26, 3)]
    assert len(axes.lines[0].get_xydata()) == 25  # type: ignore[arg-type]


def test_without_a_time_nothing_is_drawn(tmp_path: Path) -> None:
    table = table_of(tmp_path, [cell("a", "n1c8h4w4-o8", group="sweep-batch")])
    assert draw_sweep("sweep-batch", table, LOOKS, tmp_path / "plot.svg") is None
    # An empty batch has a time but no speed.
    empty = table_of(tmp_path / "empty", [cell("a", "n0c8h4w4-o8", [1e-3] * 9, group="sweep-batch")])
    assert draw_sweep("sweep-batch", empty, LOOKS, tmp_path / "plot.svg") is None
    assert not (tmp_path / "plot.svg").exists()


def test_the_same_data_are_the_same_bytes(tmp_path: Path) -> None:
    table = table_of(tmp_path, along("a", {1: 1e-3, 2: 1e-3}))
    for name in ("1.svg", "2.svg"):
        picture = draw_sweep("sweep-batch", table, LOOKS, tmp_path / name)
        assert picture is not None
        assert picture.alt.startswith("sweep-batch: speed along batch, 2 values; fastest is at 1 a with ")
        assert picture.path == tmp_path / name
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
