"""What all plots share: colours, style, and files that stay the same where the data does."""

from __future__ import annotations

import hashlib
import io
import math
import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

# Okabe and Ito, "Color Universal Design" (2008), without the yellow that vanishes on white and the black that vanishes
# on a dark page; then colours that are as far from all before them for readers of every kind of colour vision, found by
# a search among those that stand out from white and from black. A test holds how far they are apart.
COLOURS: Final = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
    *("#8811FF", "#99BB66", "#BB55FF", "#CC0033", "#885577", "#557744"),
    # The most that a search in steps of eight found beside those twelve, as far apart as the test asks.
    *("#F84070", "#980850", "#E0A8A8", "#405010", "#802878", "#C800A8", "#7018A8", "#5818C8"),
)
_FIRST: Final = 12
"""Colours that are given before the others: pages of up to so many backends stay as they were."""

# A backend beyond the last colour shares one, with another marker, and with lines along what is filled with it: none
# of five times as many is told by colour alone.
_MARKERS: Final = ("o", "s", "^", "D", "v")

_PIXELS: Final = 96  # to an inch
_SVG_DPI: Final = 72
SMALLEST_TEXT: Final = 9.0
LEAST_SCALE: Final = 0.75
"""How small a page may show a plot, so that its smallest text has 9 pixels; on a phone it is moved instead."""

_LONGEST_LABEL: Final = 60

GROUND, INK, SOFT, FRAME, GRID, EMPTY, FAILED = (
    *("#ffffff", "#1c1e21", "#454b52", "#8a8f95", "#e4e6e9", "#ececed", "#b5b7ba"),
)
"""What is no backend's: a reader whose pages are dark sees each in the colour of ``_DARK``."""
DARK_ON_CELL, WHITE_ON_CELL = "#202224", "#fefefe"
"""Figures on cells of a heat map, whose ground is the same for all readers."""

_DARK: Final = dict(
    zip(
        (GROUND, INK, SOFT, FRAME, GRID, EMPTY, FAILED),
        ("#16181b", "#e4e6e9", "#b4bac1", "#858c94", "#32373d", "#2a2e33", "#565c63"),
        strict=True,
    )
)

_STYLE: Final[Any] = {
    # Points, 4/3 of a pixel: where a page shows a plot at three quarters of its size, its least, all text has 9 pixels.
    "font.size": SMALLEST_TEXT,
    # What the text is shown in where the first is missing is narrower, and so stays within what was measured for it.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.color": FRAME,
    "ytick.color": FRAME,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FRAME,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": SMALLEST_TEXT,
    "hatch.linewidth": 0.4,
    # Names of layers and backends are the user's: a dollar sign in one is no formula.
    "text.parse_math": False,
    # Text as text is read aloud, found and copied. Fixed ids and no date keep the bytes of a file the same.
    "svg.fonttype": "none",
    "svg.hashsalt": "pointwise-bench",
}


@dataclass(frozen=True)
class Look:
    """Colour and marker of one backend; ``lines`` is how many before it by name have its colour."""

    colour: str
    marker: str
    lines: int = 0

    @property
    def paint(self) -> str:
        """As CSS, what a bar, a segment or a dot of a page is filled with: a marker has no room in one."""
        return f"background-color:{self.colour}" + (f";box-shadow:var(--lines-{self.lines})" if self.lines else "")


@dataclass(frozen=True)
class Picture:
    """A plot on disk, what it shows in words, and its width in pixels at its own size."""

    path: Path
    alt: str
    width: int

    @property
    def least_width(self) -> int:
        """In pixels, at which its smallest text can be read."""
        return math.ceil(self.width * LEAST_SCALE)


def looks(backends: Iterable[str]) -> dict[str, Look]:
    """A look for each backend, from its name: a backend has the same on the pages of most runs.

    Of two whose names give the same colour, the second by name takes the next that is free, as in a table of hashes:
    seven in ten plots of five backends would have two of one colour else. A table of names would have to be kept.
    No two share a colour while one is free.
    """
    found: dict[str, Look] = {}
    used = [0] * len(COLOURS)
    for name in sorted(set(backends)):
        number = int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:4], "big")
        order = [*_turned(range(_FIRST), number), *_turned(range(_FIRST, len(COLOURS)), number)]
        chosen = min(order, key=lambda one: used[one])
        before = used[chosen] % len(_MARKERS)
        found[name] = Look(COLOURS[chosen], _MARKERS[(chosen + before) % len(_MARKERS)], before)
        used[chosen] += 1
    return found


def _turned(places: range, number: int) -> list[int]:
    """``places`` in a ring, from the one on that ``number`` falls on."""
    at = number % len(places)
    return [*places[at:], *places[:at]]


def styled() -> AbstractContextManager[None]:
    """The style for the time of a ``with`` block: set at import, it would change the plots of whoever imports us."""
    return mpl.rc_context(_STYLE)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches, apart from pyplot's global list of figures."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=GROUND)


def save(figure: Figure, path: Path, alt: str) -> Picture:
    """Write ``figure`` as SVG, for light pages and dark ones; the same data gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    with styled(), warnings.catch_warnings():
        # Names are the user's: in a script that the font lacks they become boxes, and very long ones leave no room.
        warnings.filterwarnings("ignore", "Glyph|constrained_layout not applied|findfont")
        _lay_out(figure)
        figure.savefig(text, format="svg", metadata={"Date": None, "Title": alt})
    path.write_text(text.getvalue().replace("</style>", f"{_dark_rules()}</style>", 1), encoding="utf-8")
    return Picture(path, alt, round(figure.get_size_inches()[0] * _PIXELS))


def _lay_out(figure: Figure) -> None:
    """What ``savefig`` would have done by a whole drawing that it throws away, at the resolution of an SVG."""
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:
        FigureCanvasSVG(figure)
        figure.set_dpi(_SVG_DPI)
        engine.execute(figure)
    # "none" would leave a placeholder, for which savefig draws all the same.
    figure.set_layout_engine(None)


def _dark_rules() -> str:
    """What is written into each element's style gives way to these; viewers that know no such rules show it as is."""
    rules = "".join(
        f'[style*="{kind}: {light}"] {{ {kind}: {dark} !important }}\n'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    )
    return f"\n@media screen and (prefers-color-scheme: dark) {{\n{rules}}}\n"


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
