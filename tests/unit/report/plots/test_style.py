"""What all plots share: a look for each backend, labels that fit, and files that stay the same where the data does."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from figures import legend_of
from hypothesis import given, settings, strategies as st

from pointwise_bench.report.plots.style import looks, name_backends, new_figure, plain_ticks, save, short, styled


def drawn(path: Path, name: str = "a") -> bytes:
    """A small figure with a legend, an axis and a text, as a file."""
    with styled():
        figure = new_figure(3, 2)
        axes = figure.subplots()
        axes.plot([1, 10], [1, 10], label=name)
        axes.set_title("cost in $ per $x^$")
        name_backends(figure)
    return save(figure, path).read_bytes()


# --- looks --------------------------------------------------------------------------------------------------------


def test_a_look_goes_with_the_place_in_the_sorted_list() -> None:
    found = looks(["b", "a", "c", "a"])
    assert list(found) == ["a", "b", "c"]
    assert [(found[name].colour, found[name].marker) for name in "abc"] == [
        ("#0072B2", "o"),
        ("#D55E00", "s"),
        ("#009E73", "^"),
    ]


@pytest.mark.parametrize("count", [1, 7, 35])
def test_35_backends_have_looks_of_their_own(count: int) -> None:
    """Seven colours and five markers, which have no common factor."""
    found = looks(f"backend-{number:02}" for number in range(count))
    assert len(set(found.values())) == count


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


def test_a_figure_is_xml_in_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    assert ElementTree.fromstring(drawn(tmp_path / "a" / "b" / "plot.svg")).tag.endswith("svg")


def test_names_in_a_script_that_the_font_lacks_are_no_warning(tmp_path: Path) -> None:
    drawn(tmp_path / "plot.svg", "日本 \u0e01")


def test_the_style_is_left_behind_where_the_block_ends() -> None:
    before = mpl.rcParams["axes.grid"], mpl.rcParams["svg.hashsalt"]
    with styled():
        assert (mpl.rcParams["axes.grid"], mpl.rcParams["svg.hashsalt"]) == (True, "pointwise-bench")
    assert (mpl.rcParams["axes.grid"], mpl.rcParams["svg.hashsalt"]) == before
