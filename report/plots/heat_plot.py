"""Where each backend loses: its time over the fastest one's, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pointwise_bench.common.status import OK, SKIPPED
from pointwise_bench.report.analysis.groups import ReportGroup
from pointwise_bench.report.analysis.series import records
from pointwise_bench.report.analysis.wording import joined, three_digits
from pointwise_bench.report.plots.style import (
    DARK_ON_CELL,
    EMPTY,
    FAILED,
    GROUND,
    SMALLEST_TEXT,
    SOFT,
    WHITE_ON_CELL,
    Picture,
    new_figure,
    save,
    short,
    styled,
)

# Beyond five times slower all are equally out of the question, and one slow backend would wash out the others.
_DARKEST: Final = 5.0
# From here on the ground is dark enough for white figures.
_WHITE_FROM: Final = 2.2
_NAMED: Final = 3  # in words
# Columns: a picture of more is wider than any screen.
_MOST_BACKENDS: Final = 60
# More figures than this nobody reads, and drawing them takes seconds.
_FIGURES_UP_TO: Final = 700


def heat_backends(group: ReportGroup, timings: pd.DataFrame) -> list[str]:
    """Those that appear in a heat map, in the order of the group's standings: the first of them where they are many."""
    tried = set(timings.loc[~timings["status"].isin(SKIPPED), "backend"])
    return [standing.backend for standing in group.standings if standing.backend in tried][:_MOST_BACKENDS]


def slowdowns(
    group: ReportGroup, timings: pd.DataFrame, backends: Sequence[str]
) -> tuple[NDArray[np.float64], list[list[str]]]:
    """``[layers, backends]`` times over the fastest of the row (NaN without a time), and the statuses."""
    rows = records(timings, ("name", "problem", "backend", "median_s", "status"))
    found = {(row["name"], row["problem"], row["backend"]): row for row in rows}
    seconds = np.full((len(group.layers), len(backends)), np.nan)
    statuses = [[""] * len(backends) for _ in group.layers]
    for at, layer in enumerate(group.layers):
        for column, backend in enumerate(backends):
            row = found.get((layer.name, layer.problem, backend))
            if row is not None:
                seconds[at, column] = row["median_s"]
                statuses[at][column] = str(row["status"])
    fastest = np.fmin.reduce(seconds, axis=1, keepdims=True) if seconds.size else seconds
    return seconds / fastest, statuses


def draw_heat(group: ReportGroup, timings: pd.DataFrame, path: Path) -> Picture | None:
    """Layers down, backends across, each cell with its figure; ``None`` where nothing was tried."""
    backends = heat_backends(group, timings)
    if not backends:
        return None
    ratios, statuses = slowdowns(group, timings, backends)
    with styled():
        figure = new_figure(2.8 + 0.95 * len(backends), 1.8 + 0.23 * max(4, len(group.layers)))
        axes = figure.subplots()
        mesh = draw_cells(axes, ratios, statuses)
        if len(group.layers) * len(backends) <= _FIGURES_UP_TO:
            _write_figures(axes, ratios, statuses)
        axes.set_xticks(
            np.arange(len(backends)) + 0.5, map(short, backends), rotation=35, ha="left", rotation_mode="anchor"
        )
        axes.xaxis.tick_top()
        axes.set_yticks(
            np.arange(len(group.layers)) + 0.5, [short(layer.name or layer.problem) for layer in group.layers]
        )
        axes.tick_params(length=0)
        axes.invert_yaxis()
        for axis in (axes.xaxis, axes.yaxis):
            # It has no label, whose place would be sought beside all names of backends and layers, four times.
            axis.set_label_coords(0, 0)
        name_scale(figure, axes, mesh)
    return save(figure, path, heat_alt(group.name, backends, ratios))


def heat_alt(name: str, backends: Sequence[str], ratios: NDArray[np.float64]) -> str:
    """What the map shows, in words: how near to the fastest the nearest ones are."""
    said = []
    for backend, column in zip(backends, ratios.T, strict=True):
        own = column[~np.isnan(column)]
        if own.size:
            low, middle, high = (three_digits(float(one)) for one in (own.min(), np.median(own), own.max()))
            said.append((float(np.median(own)), f"{backend} {middle} ({low} to {high}, {own.size} layers)"))
    first = [text for _, text in sorted(said)[:_NAMED]]
    rest = f"; {len(said) - _NAMED} more are slower" if len(said) > _NAMED else ""
    if not first:
        return f"{name}: no backend has a time"
    return f"{name}: median time over the fastest backend's, layer by layer: {joined(first)}{rest}"


def draw_cells(axes: Axes, ratios: NDArray[np.float64], statuses: Sequence[Sequence[str]]) -> QuadMesh:
    """Colour ``[rows, columns]`` of ratios; what has no time is grey, and hatched where it failed."""
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(ratios), cmap="YlGnBu", norm=LogNorm(1.0, _DARKEST), edgecolors=GROUND, linewidth=0.6
    )
    for row, column in np.argwhere(np.isnan(ratios)):
        failed = statuses[row][column] not in ("", OK, *SKIPPED)
        style: dict[str, Any] = {"facecolor": EMPTY, "edgecolor": FAILED if failed else GROUND}
        axes.add_patch(Rectangle((column, row), 1, 1, hatch="////" if failed else None, linewidth=0.6, **style))
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
    return mesh


def _write_figures(axes: Axes, ratios: NDArray[np.float64], statuses: Sequence[Sequence[str]]) -> None:
    for (row, column), ratio in np.ndenumerate(ratios):
        if np.isnan(ratio):
            text, colour = statuses[row][column], SOFT
        else:
            text = f"{ratio:.2f}" if ratio < 9.995 else f"{ratio:,.0f}"
            colour = WHITE_ON_CELL if ratio >= _WHITE_FROM else DARK_ON_CELL
        figure = axes.text(
            column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=SMALLEST_TEXT, color=colour
        )
        # It stands inside the axes: to measure hundreds for the layout would take longer than all the rest.
        figure.set_in_layout(False)


def name_scale(figure: Figure, axes: Axes, mesh: QuadMesh) -> None:
    """The colour bar below the cells, in plain words."""
    bar = figure.colorbar(mesh, ax=axes, orientation="horizontal", extend="max", aspect=40, pad=0.01)
    bar.set_ticks([1, 1.25, 1.5, 2, 3, 5], labels=["1", "1.25", "1.5", "2", "3", "5"])
    bar.ax.minorticks_off()
    bar.set_label("time over the fastest backend's")
    bar.outline.set_visible(False)
