"""Lines in a page: where points stand, and that axes are marked with what a reader can read off."""

from __future__ import annotations

import pytest

from pointwise_bench.report.plots.line_chart import (
    BOTTOM,
    DASHES,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Curve,
    Scale,
    line_chart,
)
from pointwise_bench.report.plots.style import Look, looks

FACTOR, SHARE = Scale("factor", 1, 100, unit="x"), Scale("share", 0, 100, logarithmic=False, unit=" %")
RED = Look("#f00", "s")


def test_points_and_intervals_stand_where_their_values_are() -> None:
    chart = line_chart("all of it", FACTOR, SHARE, [Curve("a", RED, [(1, 0), (10, 50), (100, 100)], [(0, 25)])])
    (line,) = chart.lines
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    middle, half = (LEFT + right) / 2, (TOP + bottom) / 2
    assert line.points == f"{LEFT},{bottom} {middle:g},{half:g} {right},{TOP}"
    assert [list(bar) for bar in line.bars] == [[LEFT, bottom - (bottom - TOP) / 4, bottom]]
    assert (line.name, line.colour, line.dash) == ("a", "#f00", DASHES["s"])


def test_what_is_beyond_an_axis_stands_at_its_end() -> None:
    (line,) = line_chart("", FACTOR, SHARE, [Curve("a", RED, [(0.1, -5), (1e6, 500)])]).lines
    assert line.points == f"{LEFT},{HEIGHT - BOTTOM} {WIDTH - RIGHT},{TOP}"


@pytest.mark.parametrize(
    ("low", "high", "logarithmic", "texts"),
    [
        (1, 32, True, "1 3 10 30"),
        (1, 1e6, True, "1 10 100 1,000 10,000 100,000 1,000,000"),
        (1e-3, 1e12, True, "0.001 0.1 10 1,000 100,000 10,000,000 1,000,000,000 1e+11"),
        (1, 2, True, "1 2"),
        (2, 9, True, "2 5"),
        (0, 100, False, "0 25 50 75 100"),
        (0, 7.3, False, "0 2 4 6"),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, logarithmic: bool, texts: str) -> None:
    scale = Scale("", low, high, logarithmic=logarithmic)
    chart = line_chart("", scale, SHARE, [])
    assert " ".join(tick.text for tick in chart.x_ticks) == texts


def test_two_backends_of_one_colour_have_different_dashes() -> None:
    of_colour: dict[str, list[str]] = {}
    for look in looks(f"backend-{number}" for number in range(100)).values():
        of_colour.setdefault(look.colour, []).append(DASHES[look.marker])
    assert all(len(set(dashes)) == len(dashes) == 5 for dashes in of_colour.values())
