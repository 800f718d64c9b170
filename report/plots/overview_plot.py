"""One picture of a run for the README: totals per network, and where each backend loses."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.groups import ReportGroup, Standing
from pointwise_bench.report.analysis.wording import duration, joined, threads_of
from pointwise_bench.report.plots.heat_plot import draw_cells, heat_backends, name_scale, slowdowns
from pointwise_bench.report.plots.style import INK, SOFT, Look, Picture, new_figure, save, styled

# As many as stay legible at the width of a README.
_NETWORKS: Final = 3
_NAMED: Final = 4
_LEGEND: Final = (
    "Whiskers: of the fastest the sum of its layers' intervals, of the others that of their ratio to it. "
    f"Bold: fastest, or the same within {100 * MARGIN:.9g} %. Hatched: cut bar, or no valid result."
)
# A bar this many times the shortest is cut: one very slow backend would press all others onto the axis.
_CUT: Final = 4.0


def draw_picture(
    groups: list[ReportGroup], timings: pd.DataFrame, looks: dict[str, Look], title: str, path: Path
) -> Picture:
    """Bars with intervals on the left, a heat map of the network with most layers on the right."""
    shown = _most_telling(groups)
    with styled():
        figure = new_figure(11.0, 5.6)
        budget = f", {threads_of(shown[0].threads)}" if shown else ""
        figure.suptitle(f"{title}{budget}\n{_LEGEND}", x=0.01, ha="left", fontsize=9.5, color=SOFT)
        if not shown:
            figure.text(0.5, 0.5, "no network has a backend with times for all layers", ha="center", color=SOFT)
            return save(figure, path, f"{title}: no network has a backend with times for all layers")
        left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.15))[0]
        sizes = [len(_with_total(group)) + 1.2 for group in shown]
        grid = left.subplots(len(shown), 1, squeeze=False, height_ratios=sizes)
        for axes, group in zip(grid.flat, shown, strict=True):
            _draw_totals(axes, group, looks)
        _draw_layers(right, shown[0], timings)
    return save(figure, path, f"{title}{budget}. {'; '.join(map(_said, shown))}")


def _said(group: ReportGroup) -> str:
    """The finding of one network and its figures, in words."""
    ranked = sorted(_with_total(group), key=lambda one: one.total.seconds if one.total else 0.0)[:_NAMED]
    totals = [f"{one.backend} {duration(one.total.seconds)}" for one in ranked if one.total]
    leaders = joined([one.backend for one in group.leaders]) or "nobody"
    unclear = ", not surely" if group.undecided else ""
    return f"{group.name}: {leaders} leads{unclear}; all 1x1 layers take {joined(totals)}"


def _with_total(group: ReportGroup) -> list[Standing]:
    return [standing for standing in group.standings if standing.total is not None]


def _most_telling(groups: list[ReportGroup]) -> list[ReportGroup]:
    """The networks in which most backends have a total, then those with most layers; one thread budget, the largest."""
    networks = [group for group in groups if group.is_network and _with_total(group)]
    budget = max((group.threads for group in networks), default=0)
    networks = [group for group in networks if group.threads == budget]
    return sorted(networks, key=lambda group: (-len(_with_total(group)), -len(group.layers), group.name))[:_NETWORKS]


def _draw_totals(axes: Axes, group: ReportGroup, looks: dict[str, Look]) -> None:
    standings = sorted(_with_total(group), key=lambda one: one.total.seconds if one.total else 0.0)
    shortest = min(one.total.seconds for one in standings if one.total)
    limit = 1.1e3 * max(one.total.high for one in standings if one.total and one.total.seconds <= shortest * _CUT)
    for row, standing in enumerate(standings):
        assert standing.total is not None
        middle, low, high = (1e3 * one for one in (standing.total.seconds, standing.total.low, standing.total.high))
        cut = standing.total.seconds > shortest * _CUT
        axes.barh(
            row, min(middle, limit), height=0.68, color=looks[standing.backend].colour, hatch="//" if cut else None
        )
        if not cut:
            ends = [[max(0.0, middle - low)], [max(0.0, high - middle)]]
            axes.errorbar(middle, row, xerr=ends, color=INK, linewidth=1, capsize=2)
        text = duration(standing.total.seconds) + (" (cut)" if cut else "")
        weight = "bold" if standing.leads else "normal"
        axes.annotate(
            text,
            (limit if cut else max(middle, high), row),
            (4, 0),
            textcoords="offset points",
            va="center",
            weight=weight,
        )
    axes.set_yticks(range(len(standings)), [standing.backend for standing in standings])
    axes.set_xlim(0, limit * 1.3)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"{group.name}: all 1x1 layers, ms")


def _draw_layers(figure: Figure, group: ReportGroup, timings: pd.DataFrame) -> None:
    chosen = timings[(timings["group"] == group.name) & (timings["threads"] == group.threads)]
    backends = heat_backends(group, chosen)
    ratios, statuses = slowdowns(group, chosen, backends)
    axes = figure.subplots()
    mesh = draw_cells(axes, ratios.T, [list(column) for column in zip(*statuses, strict=True)])
    axes.set_yticks(np.arange(len(backends)) + 0.5, backends)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.set_title(f"{group.name}: layer by layer")
    axes.set_xlabel(f"{len(group.layers)} distinct layers")
    name_scale(figure, axes, mesh)
