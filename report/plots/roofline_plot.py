"""All points of one dtype and thread budget under the machine's measured ceilings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.overall.roofline_points import HOPELESS_PERCENT, hopeless
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.wording import threads_of
from pointwise_bench.report.plots.style import INK, Look, Picture, name_backends, new_figure, plain_ticks, save, styled

_MOST_BACKENDS: Final = 60
"""With a name below the plot; nobody tells more of them apart."""

_APART_UP_TO: Final = 2000
"""Points that are each a drawing of its own: of more the plot would take longer than all the rest of a report."""


def draw_roofline(
    dtype: str, threads: int, timings: pd.DataFrame, ceilings: Roofs, looks: dict[str, Look], path: Path
) -> Picture | None:
    """Log-log plot of GFLOP/s over flops per byte (each operand counted once); ``None`` without a point.

    The slanted lines are DRAM and the fastest rung of the bandwidth ladder: between them lies what caches give.
    """
    problems = {one: Problem.parse(one) for one in set(timings["problem"])}
    chosen = timings[
        (timings["threads"] == threads) & (timings["device"] == "cpu") & (timings["gflops"] > 0)
    ].drop_duplicates(["backend", "problem"])
    chosen = chosen[[problems[one].dtype == dtype for one in chosen["problem"]]]
    if chosen.empty:
        return None
    chosen, left_out = _fastest_backends(chosen)
    chosen, cut = _without_hopeless(chosen)
    intensity = np.array([problems[one].flops / problems[one].min_bytes for one in chosen["problem"]])
    with styled():
        figure = new_figure(7.2, 4.6)
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log", xlabel="arithmetic intensity (FLOP per byte)", ylabel="GFLOP/s")
        for backend in sorted(set(chosen["backend"])):
            own = (chosen["backend"] == backend).to_numpy()
            look = looks[backend]
            speed = chosen["gflops"].to_numpy(dtype=float)[own]
            _draw_points(axes, intensity[own], speed, look, backend, alike=len(chosen) > _APART_UP_TO)
        plain_ticks(axes.xaxis)
        plain_ticks(axes.yaxis)
        name_backends(figure, 3)
        _draw_ceilings(axes, dtype, threads, ceilings, (float(intensity.min()), float(intensity.max())))
        if cut:
            axes.set_xlabel(
                f"{axes.get_xlabel()}\n{cut} points below {HOPELESS_PERCENT:g} % of what is possible are cut"
            )
    more = f"; {left_out} slower backends are not drawn" if left_out else ""
    more += f"; {cut} points below {HOPELESS_PERCENT:g} % of what is possible are cut" if cut else ""
    return save(figure, path, _said(dtype, threads, chosen, ceilings) + more)


def _fastest_backends(chosen: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The points of the backends that are drawn, and how many are not: those whose best point is slowest."""
    best = chosen.groupby("backend")["gflops"].max()
    if len(best) <= _MOST_BACKENDS:
        return chosen, 0
    drawn = set(best.sort_values(ascending=False, kind="stable").index[:_MOST_BACKENDS])
    return chosen[chosen["backend"].isin(drawn)], len(best) - _MOST_BACKENDS


def _without_hopeless(chosen: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The points that are not :func:`hopeless`, and how many are: one of them would squeeze all others."""
    shares = chosen["percent_of_roof"].to_numpy(dtype=float)
    cut = hopeless(chosen["gflops"].to_numpy(dtype=float), shares, chosen["problem"].tolist())
    return chosen[~cut], int(cut.sum())


def _draw_points(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], look: Look, backend: str, *, alike: bool
) -> None:
    """``alike`` points share one description in the file: that takes a fraction of the time and of the bytes."""
    shared: dict[str, Any] = {"marker": look.marker, "color": look.colour, "alpha": 0.75, "label": backend}
    if alike:
        axes.plot(x, y, linestyle="none", markersize=4, markeredgewidth=0, **shared)
    else:
        axes.scatter(x, y, s=16, linewidths=0, **shared)


def _said(dtype: str, threads: int, chosen: pd.DataFrame, ceilings: Roofs) -> str:
    """The finding and its figures, in words: how fast the fastest is, and how near to the roof the nearest."""
    fastest = chosen.iloc[int(chosen["gflops"].to_numpy().argmax())]
    parts = [f"fastest is {fastest['backend']} with {fastest['gflops']:,.0f} GFLOP/s"]
    peak, dram = ceilings.peaks.get((dtype, threads)), ceilings.triads.get(threads)
    parts += [f"the measured peak is {peak / 1e9:,.0f} GFLOP/s"] if peak else []
    parts += [f"DRAM gives {dram / 1e9:,.0f} GB/s"] if dram else []
    known = chosen[chosen["percent_of_roof"].notna()]
    if len(known):
        nearest = known.iloc[int(known["percent_of_roof"].to_numpy().argmax())]
        parts.append(f"nearest to its roof is {nearest['backend']} with {nearest['percent_of_roof']:.0f} %")
    return f"Roofline, {dtype}, {threads_of(threads)}: {'; '.join(parts)}"


def _draw_ceilings(axes: Axes, dtype: str, threads: int, ceilings: Roofs, span: tuple[float, float]) -> None:
    """One roof per bandwidth: its slant, then the peak."""
    peak = ceilings.peaks.get((dtype, threads))
    dram = ceilings.triads.get(threads)
    cache = max((speed for _, speed in ceilings.ladders.get(threads, ())), default=None)
    # The slant of DRAM must be seen; the cache's starts so far left that it would squeeze the points.
    corner = peak / dram / 4 if peak and dram else span[0]
    right = span[1] * 1.5
    # At least a decade, here and below for y, so that each axis has a power of ten to show.
    left = min(span[0] / 1.5, corner, right / 12)
    x = np.geomspace(left, right, 400)
    lines = []
    for name, speed, dash in (("DRAM", dram, "-"), ("fastest cache", cache, "--")):
        if speed:
            y = np.minimum(x * speed, peak or np.inf) / 1e9
            lines += axes.plot(x, y, dash, color=INK, linewidth=1.1, label=f"{name}: {speed / 1e9:,.0f} GB/s")
    axes.set_xlim(left, right)
    if peak:
        axes.set_title(f"measured peak {peak / 1e9:,.0f} GFLOP/s")
        axes.set_ylim(top=3 * max(peak / 1e9, axes.get_ylim()[1] / 3))
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, high / 12), high)
    if lines:
        # Above the roofs and left of their corners there can be no point, so there the key covers nothing.
        axes.legend(handles=lines, loc="upper left" if peak else "lower left")
