"""The plot of measured over predicted gains."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from figures import colours_of, figure_of, legend_of, points_of
from make_claims import STRIDE, claim_line, gains_of, module

from pointwise_bench.report.plots import claim_plot
from pointwise_bench.report.plots.claim_plot import draw_gains
from pointwise_bench.report.plots.style import looks

LOOKS = looks(["a", "b"])


def test_gains_are_drawn(tmp_path: Path) -> None:
    found = gains_of(tmp_path, claim_line("stride", "a", STRIDE))
    picture = draw_gains(found, LOOKS, tmp_path / "plots" / "claims.svg")
    assert picture is not None
    ElementTree.fromstring(picture.path.read_bytes())
    # 5 ms became 2 ms where a quarter was left.
    assert picture.alt.endswith(
        "1 gains of 1 backends; the median reaches 62% of the prediction, 0 reach all of it or more"
    )
    assert draw_gains([], {}, tmp_path / "none.svg") is None


def test_a_point_is_what_was_measured_over_what_was_predicted(tmp_path: Path) -> None:
    """A's 5 ms became 2 ms, b's became 1 ms; a quarter of the work was left."""
    quicker = STRIDE | {"stride 2": {"whole": {"product": 1e-3}}}
    found = gains_of(tmp_path, claim_line("stride", "b", quicker), claim_line("stride", "a", STRIDE))
    figure = figure_of(claim_plot, draw_gains, found, LOOKS)
    (axes,) = figure.axes
    assert points_of(axes)["a"] == [pytest.approx([4.0, 2.5])]
    assert points_of(axes)["b"] == [pytest.approx([4.0, 5.0])]
    assert colours_of(axes) == {"a": LOOKS["a"].colour, "b": LOOKS["b"].colour}
    assert legend_of(figure) == ["a", "b"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted gain", "measured gain")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_the_line_is_where_both_are_the_same_and_reaches_beyond_every_point(tmp_path: Path) -> None:
    for name, end in (("stride", 1.2 * 12.0), ("inception-3a", None)):
        found = gains_of(
            tmp_path, *([claim_line("stride", "a", STRIDE)] if end else [module("3a", 2.0)]), names=(name,)
        )
        (axes,) = figure_of(claim_plot, draw_gains, found, LOOKS).axes
        x, y = np.asarray(axes.lines[0].get_xydata()).T
        assert x == pytest.approx(y)
        assert x[0] == 1.0
        assert x[-1] == pytest.approx(end or 1.2 * max(12.0, *(gain.expected for gain in found)))


def test_where_only_equality_is_predicted_there_is_no_point(tmp_path: Path) -> None:
    (gain,) = gains_of(tmp_path, claim_line("stride", "a", STRIDE))
    for expected, drawn in ((1.0, False), (0.5, False), (1.01, True)):
        path = draw_gains([gain.__class__(**(vars(gain) | {"expected": expected}))], LOOKS, tmp_path / "plot.svg")
        assert (path is not None) is drawn


def test_the_same_data_are_the_same_bytes(tmp_path: Path) -> None:
    found = gains_of(tmp_path, claim_line("stride", "a", STRIDE))
    for name in ("1.svg", "2.svg"):
        picture = draw_gains(found, LOOKS, tmp_path / name)
        assert picture is not None
        assert picture.path == tmp_path / name
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
