"""What a plot has drawn, for tests of what is in it and not of how it looks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from pointwise_bench.report.plots.style import Picture


def figure_of(module: ModuleType, draw: Callable[..., Picture | None], *arguments: Any) -> Figure:
    """The figure that ``draw`` of ``module`` would have saved; ``arguments`` without the path."""
    with mock.patch.object(module, "save") as save:
        draw(*arguments, Path("not written.svg"))
    figure: Figure = save.call_args.args[0]
    return figure


def points_of(axes: Axes) -> dict[str, list[list[float]]]:
    """The points of every scatter, by its label."""
    return {str(one.get_label()): np.asarray(one.get_offsets(), dtype=np.float64).tolist() for one in _scatters(axes)}


def colours_of(axes: Axes) -> dict[str, str]:
    """The colour of every scatter, by its label, as ``#RRGGBB``."""
    return {
        str(one.get_label()): to_hex((red, green, blue)).upper()
        for one in _scatters(axes)
        for red, green, blue, _ in np.asarray(one.get_facecolor(), dtype=np.float64)[:1].tolist()
    }


def _scatters(axes: Axes) -> list[PathCollection]:
    return [one for one in axes.collections if isinstance(one, PathCollection)]


def texts_of(axes: Axes) -> list[str]:
    """Every text inside the axes, in the order in which it was written."""
    return [text.get_text() for text in axes.texts]


def ticks_of(axes: Axes, which: str) -> list[str]:
    """The labels of the ticks of one axis, ``x`` or ``y``."""
    labels = axes.get_xticklabels() if which == "x" else axes.get_yticklabels()
    return [label.get_text() for label in labels]


def legend_of(figure: Figure) -> list[str]:
    """The labels of the figure's legends."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]
