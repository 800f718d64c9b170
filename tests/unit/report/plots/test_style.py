"""What all plots share: a look for each backend, labels that fit, and files that stay the same where the data does."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from figures import legend_of
from hypothesis import given, settings, strategies as st
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from pointwise_bench.report.pages import rendering
from pointwise_bench.report.plots.style import (
    _DARK,
    COLOURS,
    FRAME,
    GRID,
    GROUND,
    INK,
    SMALLEST_TEXT,
    SOFT,
    looks,
    name_backends,
    new_figure,
    plain_ticks,
    save,
    short,
    styled,
)


def drawn(path: Path, name: str = "a") -> bytes:
    """A small figure with a legend, an axis and a text, as a file."""
    with styled():
        figure = new_figure(3, 2)
        axes = figure.subplots()
        axes.plot([1, 10], [1, 10], label=name)
        axes.set_title("cost in $ per $x^$")
        name_backends(figure)
    return save(figure, path, f"a line of {name}").path.read_bytes()


# --- looks --------------------------------------------------------------------------------------------------------


def test_a_look_goes_with_the_name_whoever_stands_beside_it() -> None:
    """Of two names that give one colour the second has another: of these five none do."""
    names = ["torch-conv2d", "openvino", "onnxruntime", "torch-matmul", "jax-conv"]
    alone = {name: looks([name])[name] for name in names}
    assert len({look.colour for look in alone.values()}) == 5
    assert looks(names) == dict(sorted(alone.items()))


@pytest.mark.parametrize("count", [1, 12, 13, 15, 20, 21, 60, 100])
def test_100_backends_have_looks_of_their_own_and_twenty_have_colours(count: int) -> None:
    """By colour and marker in a chart, by colour and lines in what is filled with it."""
    found = looks(f"backend-{number:02}" for number in range(count))
    assert len({(look.colour, look.marker) for look in found.values()}) == count
    assert len({look.paint for look in found.values()}) == count
    assert len({look.colour for look in found.values()}) == min(count, len(COLOURS)) <= 20
    assert {look.lines for look in found.values()} == set(range(-(-count // 20)))


def test_colours_that_are_given_later_change_no_look_of_twelve_backends() -> None:
    names = [f"backend-{number}" for number in range(12)]
    assert {look.colour for look in looks(names).values()} == set(COLOURS[:12])


def test_the_lines_of_each_look_are_drawn_by_the_pages(tmp_path: Path) -> None:
    """A name of the style sheet that it does not know would be no line at all."""
    style = (Path(rendering.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    drawn_as = dict(re.findall(r"(--lines-\d): ([^;]*);", style))
    used = {look.paint.partition("var(")[2].strip(")") for look in looks(map(str, range(100))).values()} - {""}
    assert used == set(drawn_as)
    assert len(set(drawn_as.values())) == len(drawn_as)


# Machado, Oliveira and Fernandes (2009): what is left of linear RGB without one kind of cone.
VISION = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> NDArray[np.float64]:
    encoded = np.array(to_rgb(colour))
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def lab(colour: str, vision: str) -> NDArray[np.float64]:
    seen = np.clip(np.array(VISION[vision]) @ linear(colour), 0, 1)
    x, y, z = np.cbrt(XYZ @ seen / np.array([0.95047, 1, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_no_two_colours_look_alike_to_anybody(vision: str) -> None:
    """A difference of about 2 is seen side by side; 15 are seen across a page, in a strip and as a dot."""
    near = [
        (one, other)
        for one, other in itertools.combinations(COLOURS, 2)
        if np.linalg.norm(lab(one, vision) - lab(other, vision)) < 15
    ]
    assert near == []


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((float(XYZ[1] @ linear(each)) for each in (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_text_can_be_read_and_colours_are_seen_on_light_pages_and_dark_ones() -> None:
    for ground, ink, soft in ((GROUND, INK, SOFT), (_DARK[GROUND], _DARK[INK], _DARK[SOFT])):
        assert min(contrast(ground, ink), contrast(ground, soft)) >= 4.5
        assert min(contrast(ground, colour) for colour in COLOURS) >= 2


# 100 examples of up to 40 names: that a look depends on the set alone is one call of sorted(set()).
@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=5), max_size=40))
def test_looks_do_not_depend_on_the_order_of_the_names(names: list[str]) -> None:
    assert looks(names) == looks(reversed(names)) == looks(set(names))


# --- labels -------------------------------------------------------------------------------------------------------


def test_a_long_label_loses_its_middle() -> None:
    assert short("x" * 60) == "x" * 60
    assert short("a" * 40 + "b" * 40) == "a" * 30 + "…" + "b" * 29


# 100 examples: one length decides, and both sides of it are drawn.
@settings(max_examples=100, deadline=None)
@given(st.text(min_size=55, max_size=70))
def test_a_label_is_at_most_60_long_and_keeps_both_ends(name: str) -> None:
    label = short(name)
    assert len(label) == min(len(name), 60)
    assert name.startswith(label.partition("…")[0][:30])
    assert label[-29:] == name[-29:]


def test_a_legend_names_every_backend_once_and_sorted() -> None:
    figure = new_figure(3, 2)
    for axes, names in zip(figure.subplots(1, 2), ("cb", "ab"), strict=True):
        for name in names:
            axes.plot([1], [1], label=name)
    name_backends(figure)
    assert legend_of(figure) == ["a", "b", "c"]


def test_without_a_label_there_is_no_legend() -> None:
    figure = new_figure(3, 2)
    axes = figure.subplots()
    axes.plot([1], [1])
    name_backends(figure)
    assert figure.legends == []


@pytest.mark.parametrize(("value", "label"), [(0.1, "0.1"), (1.0, "1"), (1000.0, "1000"), (0.001, "0.001")])
def test_ticks_of_a_logarithmic_axis_are_plain_numbers(value: float, label: str) -> None:
    axes = new_figure(3, 2).subplots()
    axes.set_xscale("log")
    plain_ticks(axes.xaxis)
    assert axes.xaxis.get_major_formatter()(value) == label
    assert axes.xaxis.get_minor_formatter()(value) == ""


# --- files --------------------------------------------------------------------------------------------------------


def test_the_same_figure_is_the_same_bytes_and_another_is_not(tmp_path: Path) -> None:
    first, again, other = drawn(tmp_path / "1.svg"), drawn(tmp_path / "2.svg"), drawn(tmp_path / "3.svg", "b")
    assert first == again != other
    assert b"<dc:date>" not in first


def test_text_is_text_its_sizes_can_be_read_and_its_words_are_the_title(tmp_path: Path) -> None:
    root = ElementTree.fromstring(drawn(tmp_path / "plot.svg", "a <b> & c"))
    texts = [one for one in root.iter() if one.tag.endswith("}text")]
    assert {"cost in $ per $x^$", "a <b> & c"} <= {one.text for one in texts}
    sizes = [float(re.search(r"([\d.]+)px", one.get("style", ""))[1]) for one in texts]  # type: ignore[index]
    assert min(sizes) >= SMALLEST_TEXT
    assert all("sans-serif" in one.get("style", "") for one in texts)
    (title,) = [one for one in root if one.tag.endswith("}title")]
    assert title.text == "a line of a <b> & c"


def test_dark_pages_have_other_grounds_and_inks_and_the_same_backends(tmp_path: Path) -> None:
    text = drawn(tmp_path / "plot.svg").decode()
    rules = text.partition("prefers-color-scheme: dark")[2].partition("</style>")[0]
    for light in {GROUND, INK, FRAME, GRID}:
        assert f'[style*="fill: {light}"] {{ fill: {_DARK[light]} !important }}' in rules
        assert f"fill: {light}" in text.partition("</style>")[2] or f"stroke: {light}" in text.partition("</style>")[2]
    assert not set(COLOURS) & {colour.upper() for colour in _DARK}


def test_a_figure_is_xml_in_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    assert ElementTree.fromstring(drawn(tmp_path / "a" / "b" / "plot.svg")).tag.endswith("svg")


def test_names_in_a_script_that_the_font_lacks_are_no_warning(tmp_path: Path) -> None:
    drawn(tmp_path / "plot.svg", "日本 \u0e01")


def test_the_style_is_left_behind_where_the_block_ends() -> None:
    before = mpl.rcParams["axes.grid"], mpl.rcParams["svg.hashsalt"]
    with styled():
        assert (mpl.rcParams["axes.grid"], mpl.rcParams["svg.hashsalt"]) == (True, "pointwise-bench")
    assert (mpl.rcParams["axes.grid"], mpl.rcParams["svg.hashsalt"]) == before
