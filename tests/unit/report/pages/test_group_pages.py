"""A group's view and the pages behind it: their names, and which layer is on which."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from make_run import cell, run_of

from pointwise_bench.report.analysis.series import columns_of_parts
from pointwise_bench.report.pages.group_pages import COLUMNS, GroupPages, Surroundings, group_pages, slug_of
from pointwise_bench.report.pages.layer_pages import cells_by_key
from pointwise_bench.report.pages.rendering import render
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.plots import style
from pointwise_bench.report.plots.style import looks


@pytest.mark.parametrize(
    ("name", "slug"),
    [("resnet50_v1.5", "resnet50_v1.5"), ("sweep-batch", "sweep-batch"), ("x" * 80, "x" * 80)],
)
def test_a_plain_name_is_its_ownslug_of(name: str, slug: str) -> None:
    assert slug_of(name) == slug


# 300 examples of any text: a file's name must be safe for every one, and two names must not share a file.
@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100))
def test_any_name_becomes_a_file_of_its_own_in_the_folder(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}", slug_of(one))
    assert (slug_of(one) == slug_of(other)) is (one == other)


# --- pages --------------------------------------------------------------------------------------------------------


def pages_of(tmp_path: Path, count: int) -> GroupPages:
    """Of a group with that many layers."""
    cells = [cell("a", f"n{n}c8h4w4-o8", [1e-3] * 9) for n in range(1, count + 1)]
    found = analyse(run_of(tmp_path, cells))
    around = Surroundings(cells_by_key(found.run), looks(found.run.backends), "run-2.html", "2-")
    columns = columns_of_parts(found.timings, COLUMNS)(np.arange(count))
    return group_pages(found, found.groups[0], columns, around)


def test_a_page_leads_back_to_its_run_and_holds_every_layer_under_its_number(tmp_path: Path) -> None:
    made = pages_of(tmp_path, 2)
    (page,) = made.pages
    assert page.name == "2-layers-tinynet-threads-1.html"
    assert made.places == {1: f"{page.name}#layer-1", 2: f"{page.name}#layer-2"}
    text = render(page.template, **page.values)
    assert 'href="run-2.html"' in text
    assert [text.count(f'id="layer-{number}"') for number in (1, 2, 3)] == [1, 1, 0]
    assert "pointwise-bench run --shapes n1c8h4w4-o8 --threads 1" in text
    assert "pointwise-bench run --shapes n1c8h4w4-o8 --backend a --threads 1 --seed 1" in text


def test_very_many_layers_are_on_several_pages(tmp_path: Path) -> None:
    made = pages_of(tmp_path, 800)
    assert [page.name for page in made.pages] == [
        *("2-layers-tinynet-threads-1.html", "2-layers-tinynet-threads-1-2.html"),
    ]
    assert made.places[800] == "2-layers-tinynet-threads-1-2.html#layer-800"
    assert made.places[1] == "2-layers-tinynet-threads-1.html#layer-1"


# --- who is who ---------------------------------------------------------------------------------------------------


def alike(tmp_path: Path, count: int) -> tuple[list[str], list[str]]:
    """What a page of ``count`` backends, each of which wins a layer, has twice: paints, and colours."""
    names = [f"backend-{number:02}" for number in range(count)]
    cells = [
        cell(who, f"n{place}c8h4w4-o8", [seconds] * 9)
        for place, name in enumerate(names, 1)
        for who, seconds in ((name, 1e-3), (names[place % count], 2e-3))
    ]
    found = analyse(run_of(tmp_path, cells))
    around = Surroundings(cells_by_key(found.run), looks(reversed(names)), "run-2.html", "2-")
    columns = columns_of_parts(found.timings, COLUMNS)(np.arange(2 * count))
    (page,) = group_pages(found, found.groups[0], columns, around).pages
    text = render(page.template, **page.values)
    legend = re.findall(r'<span><i style="([^"]*)"></i>(backend-\d\d) 1</span>', text)
    dots = re.findall(r'<i class="dot" style="([^"]*)"></i>(backend-\d\d)', text)
    assert {name for _, name in legend} == set(names)
    assert set(legend) == set(dots)  # the same in the strip as in the tables
    assert all(f";{paint}" in text.partition('class="strip"')[2].partition("</nav>")[0] for paint, _ in legend)
    paints = [paint for paint, _ in legend]
    return twice(paints), twice([paint.partition(";")[0] for paint in paints])


def twice(texts: list[str]) -> list[str]:
    return [each for each, times in Counter(texts).items() if times > 1]


def test_no_two_backends_of_a_page_look_alike_and_twenty_have_colours_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert alike(tmp_path / "15", 15) == ([], [])
    assert alike(tmp_path / "20", 20) == ([], [])
    same, of_one_colour = alike(tmp_path / "25", 25)
    assert (same, len(of_one_colour)) == ([], 5)
    # The faults that this is to find: too few colours, and nothing beside them.
    monkeypatch.setattr(style, "COLOURS", style.COLOURS[:13])
    assert len(alike(tmp_path / "few", 15)[1]) == 2
    monkeypatch.setattr(style.Look, "paint", property(lambda look: f"background-color:{look.colour}"))
    assert len(alike(tmp_path / "bare", 15)[0]) == 2
