"""How speed changes along the one axis that a sweep varies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.wording import threads_of
from pointwise_bench.report.plots.style import Look, Picture, name_backends, new_figure, plain_ticks, save, styled

# Where the slowest is this far below the fastest, a linear axis would press it onto zero.
_LOG_FROM: Final = 10.0


@dataclass(frozen=True)
class Axis:
    """What varies: the fields of Problem that change together, and what is left to tell panels apart."""

    fields: tuple[str, ...]
    others: tuple[str, ...]
    numeric: bool

    @property
    def label(self) -> str:
        """``height = width`` or ``in channels``, as an axis title."""
        return " = ".join(name.replace("_", " ") for name in self.fields)


def find_axis(group: str, problems: Sequence[Problem]) -> Axis:
    """The axis of a sweep, from its problems; the group's name decides only where several fields vary.

    Fields that always change together (height and width) are one axis; a field that varies besides makes panels.
    """
    names = [field.name for field in fields(Problem)]
    values = {name: [getattr(problem, name) for problem in problems] for name in names}
    varying = [name for name in names if len(set(values[name])) > 1] or ["in_channels"]
    wanted = group.removeprefix("sweep-").replace("-", "_")
    axis = min(varying, key=lambda name: (name != wanted, isinstance(values[name][0], str), -len(set(values[name]))))
    together = [name for name in varying if name == axis or values[name] == values[axis]]
    others = [name for name in varying if name not in together and not _determined(values[axis], values[name])]
    return Axis(tuple(together), tuple(others), not isinstance(values[axis][0], str | bool))


def _determined(axis: list[Any], other: list[Any]) -> bool:
    """Whether ``other`` is the same wherever ``axis`` is: then it needs no panel of its own."""
    return len(set(zip(axis, other, strict=True))) == len(set(axis))


def draw_sweep(group: str, timings: pd.DataFrame, looks: dict[str, Look], path: Path) -> Picture | None:
    """GFLOP/s of every backend along the sweep, a panel per thread budget and further axis; ``None`` without times.

    Speed and not time: a backend that is at its best everywhere is then a level line, whatever the sizes.
    """
    timed = timings[timings["gflops"].notna() & (timings["gflops"] > 0)]
    if timed.empty:
        return None
    axis = find_axis(group, [Problem.parse(one) for one in dict.fromkeys(timings["problem"])])
    points = timed.assign(
        x=[getattr(Problem.parse(one), axis.fields[0]) for one in timed["problem"]],
        panel=[
            _panel(axis, Problem.parse(one), int(n)) for one, n in zip(timed["problem"], timed["threads"], strict=True)
        ],
    )
    panels = list(dict.fromkeys(points["panel"]))
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    with styled():
        figure = new_figure(7.2 if columns == 1 else 10.5, 3.6 * rows + 0.5)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        spread = points["gflops"].max() / points["gflops"].min()
        categories = [] if axis.numeric else list(dict.fromkeys(str(one) for one in points["x"]))
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw_panel(axes, points[points["panel"] == panel], looks, categories)
            axes.set(title=panel, xlabel=axis.label, ylabel="GFLOP/s", yscale="log" if spread > _LOG_FROM else "linear")
            if spread <= _LOG_FROM:
                axes.set_ylim(bottom=0)
            plain_ticks(axes.yaxis)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        name_backends(figure, 4 if columns == 2 else 3)
    return save(figure, path, _said(group, axis, points))


def _said(group: str, axis: Axis, points: pd.DataFrame) -> str:
    """The finding and its figures, in words: who is fastest at either end."""
    ends = sorted(set(points["x"])) if axis.numeric else sorted(set(points["x"]), key=str)
    parts = []
    for end in dict.fromkeys((ends[0], ends[-1])):
        own = points[points["x"] == end]
        best = own.iloc[int(own["gflops"].to_numpy().argmax())]
        parts.append(f"at {end} {best['backend']} with {best['gflops']:,.0f} GFLOP/s")
    return f"{group}: speed along {axis.label}, {len(ends)} values; fastest is {', '.join(parts)}"


def _panel(axis: Axis, problem: Problem, threads: int) -> str:
    return ", ".join(
        [*(f"{name.replace('_', ' ')} {getattr(problem, name)}" for name in axis.others), threads_of(threads)]
    )


def _draw_panel(axes: Axes, points: pd.DataFrame, looks: dict[str, Look], categories: list[str]) -> None:
    present = sorted(set(points["backend"]))
    for place, backend in enumerate(present):
        own = points[points["backend"] == backend].sort_values("x", kind="stable")
        look = looks[backend]
        # The ends of the time's interval are the ends of the speed's in reverse.
        low = (own["gflops"] * own["median_s"] / own["high_s"]).to_numpy()
        high = (own["gflops"] * own["median_s"] / own["low_s"]).to_numpy()
        speed = own["gflops"].to_numpy()
        if categories:
            shift = 0.5 * ((place + 0.5) / len(present) - 0.5)
            x: Any = [categories.index(str(one)) + shift for one in own["x"]]
            ends = [speed - low, high - speed]
            axes.errorbar(x, speed, ends, fmt=look.marker, color=look.colour, label=backend, markersize=5, linewidth=1)
        else:
            x = own["x"].to_numpy(dtype=float)
            axes.fill_between(x, low, high, color=look.colour, alpha=0.2, linewidth=0)
            axes.plot(x, speed, marker=look.marker, color=look.colour, label=backend, markersize=4, linewidth=1.4)
    if categories:
        axes.set_xticks(range(len(categories)), categories)
        axes.set_xlim(-0.5, len(categories) - 0.5)
        return
    sizes = sorted(set(points["x"].astype(int)))
    if sizes[0] > 0 and sizes[-1] / sizes[0] >= 4:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(_thinned(sizes), [str(one) for one in _thinned(sizes)])


def _thinned(sizes: list[int]) -> list[int]:
    """At most about ten of the measured sizes: ticks name what was measured, and stay legible."""
    return sizes[:: max(1, math.ceil(len(sizes) / 10))]
