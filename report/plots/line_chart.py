"""Lines over a logarithmic axis, drawn into a page itself: it takes a thousandth of the time of a plot on its own.

The template ``chart.html`` turns a :class:`LineChart` into SVG, whose colours follow the page. matplotlib stays for
what is published beside pages; a library in script would leave readers without script no picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pointwise_bench.report.plots.style import Look

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 36, 12, 46
"""Margins of the area in which lines are drawn."""

DASHES: Final = {"o": "", "s": "9 3", "^": "3 3", "D": "12 3 3 3", "v": "6 2 2 2"}
"""By a backend's marker: two backends of one colour have different ones."""

SHAPES: Final = {
    "o": "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",
    "s": "m-3-3h6v6h-6z",
    "^": "m0-4l4 7h-8z",
    "D": "m0-4.4l4.4 4.4-4.4 4.4-4.4-4.4z",
    "v": "m0 4l4-7h-8z",
}
"""By a backend's marker: what is drawn from the middle of a point on."""

_FEWEST_TICKS: Final = 4
_STEPS: Final[Sequence[Sequence[float]]] = ((1,), (1, 3), (1, 2, 5))


@dataclass(frozen=True)
class Tick:
    """Where on an axis, in pixels, and what is written there."""

    place: float
    text: str


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``; ``unit`` stands behind each of its numbers."""

    label: str
    low: float
    high: float
    logarithmic: bool = True
    unit: str = ""

    def share(self, value: float) -> float:
        """How far along the axis, from 0 to 1 within it."""
        if not self.logarithmic:
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low)

    def values(self) -> list[float]:
        """Round ones to write along it."""
        if not self.logarithmic:
            step = _round_step((self.high - self.low) / _FEWEST_TICKS)
            first = math.ceil(self.low / step - 1e-9)
            return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found: list[float] = []
        for steps in _STEPS:
            every = (step * 10.0**power for power in powers for step in steps)
            found = [one for one in every if self.low * (1 - 1e-9) <= one <= self.high * (1 + 1e-9)]
            if len(found) >= _FEWEST_TICKS:
                break
        apart = max(1, math.ceil(len(found) / (2 * _FEWEST_TICKS)))
        return found[::apart]


def _round_step(about: float) -> float:
    power = 10.0 ** math.floor(math.log10(about))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= about * (1 - 1e-9))


@dataclass(frozen=True)
class Line:
    """One curve: ``points`` is the SVG's, ``bars`` the intervals of its points as ``(x, top, bottom)``."""

    name: str
    colour: str
    dash: str
    points: str
    bars: tuple[tuple[float, float, float], ...] = ()


class Mark(NamedTuple):
    """A point that tells what it is: in a chart its ``x`` and ``y`` are pixels, before that values of the axes.

    ``place`` is the page that tells more, empty where none does.
    """

    x: float
    y: float
    said: str
    place: str


@dataclass(frozen=True)
class Cloud:
    """The points of one backend, that no line joins."""

    name: str
    look: Look
    marks: tuple[Mark, ...]

    @property
    def shape(self) -> str:
        """The path of a point, from its middle on."""
        return SHAPES.get(self.look.marker, SHAPES["o"])


@dataclass(frozen=True)
class LineChart:
    """All that a template needs; ``alt`` says the finding with its figures."""

    alt: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    dots: bool
    """Whether each point was measured, and so is marked."""
    clouds: tuple[Cloud, ...] = ()


@dataclass(frozen=True)
class Curve:
    """What is drawn as one line: its points, and the interval in y of each where there is one."""

    name: str
    look: Look
    points: Sequence[tuple[float, float]]
    intervals: Sequence[tuple[float, float]] = ()


def line_chart(alt: str, x: Scale, y: Scale, series: Iterable[Curve], *, dots: bool = False) -> LineChart:
    """Values beyond an axis are drawn at its end."""
    across = cache(partial(_across, x))  # lines mostly share their places
    return LineChart(
        alt,
        x.label,
        y.label,
        tuple(Tick(across(value), f"{value:,.10g}{x.unit}") for value in x.values()),
        tuple(Tick(_up(y, value), f"{value:,.10g}{y.unit}") for value in y.values()),
        tuple(_line(one, across, y) for one in series),
        dots,
    )


def clouds_of(chart: LineChart, x: Scale, y: Scale, clouds: Iterable[Cloud]) -> LineChart:
    """``chart`` with points, whose places are given as values of its axes."""
    placed = [
        replace(cloud, marks=tuple(one._replace(x=_across(x, one.x), y=_up(y, one.y)) for one in cloud.marks))
        for cloud in clouds
    ]
    return replace(chart, clouds=tuple(placed))


def _line(series: Curve, across: Callable[[float], float], y: Scale) -> Line:
    places = [(across(of_x), _up(y, of_y)) for of_x, of_y in series.points]
    bars = [(place[0], _up(y, high), _up(y, low)) for place, (low, high) in zip(places, series.intervals, strict=False)]
    points = " ".join([f"{at:g},{up:g}" for at, up in places])
    return Line(series.name, series.look.colour, DASHES.get(series.look.marker, ""), points, tuple(bars))


def _across(scale: Scale, value: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, scale.share(value))), 1)


def _up(scale: Scale, value: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, max(0.0, scale.share(value))), 1)
