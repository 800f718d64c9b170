"""What all plots share: colours, style, and files that stay the same where the data does."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

# Okabe and Ito, "Color Universal Design" (2008), without the yellow that vanishes on white.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
# Five markers beside seven colours: 35 backends before a pair repeats, and none is told by its colour alone.
_MARKERS: Final = ("o", "s", "^", "D", "v")

_LONGEST_LABEL: Final = 60

_STYLE: Final[Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.4,
    # Names of layers and backends are the user's: a dollar sign in one is no formula.
    "text.parse_math": False,
    # Letters as outlines look the same wherever the file is shown; fixed ids and no date keep its bytes the same.
    "svg.fonttype": "path",
    "svg.hashsalt": "pointwise-bench",
}


@dataclass(frozen=True)
class Look:
    """Colour and marker of one backend."""

    colour: str
    marker: str


def looks(backends: Iterable[str]) -> dict[str, Look]:
    """A look for each backend by its place in the sorted list: a table of names would have to be kept in step."""
    names = sorted(set(backends))
    return {
        name: Look(_COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)]) for index, name in enumerate(names)
    }


def styled() -> AbstractContextManager[None]:
    """The style for the time of a ``with`` block: set at import, it would change the plots of whoever imports us."""
    return mpl.rc_context(_STYLE)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches, apart from pyplot's global list of figures."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def save(figure: Figure, path: Path) -> Path:
    """Write ``figure`` as SVG; the same data gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with styled(), warnings.catch_warnings():
        # Names are the user's: in a script that the font lacks they become boxes, and very long ones leave no room.
        warnings.filterwarnings("ignore", "Glyph|constrained_layout not applied")
        figure.savefig(path, format="svg", metadata={"Date": None})
    return path


def short(name: str) -> str:
    """``name`` as a label, without its middle where it would take the room of the plot."""
    return name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL // 2]}…{name[-_LONGEST_LABEL // 2 + 1 :]}"


def plain_ticks(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis, at its powers of ten only."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def name_backends(figure: Figure, columns: int = 4) -> None:
    """One legend for all axes of the figure, below them; a backend need not be in the first."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    names = sorted(found)
    if names:
        figure.legend(
            [found[name] for name in names], names, loc="outside lower center", ncols=min(columns, len(names))
        )
