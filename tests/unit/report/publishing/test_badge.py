"""Badges: what they say is what the page says, and no name becomes markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.groups import ReportGroup
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.publishing.badge import badge, embed, verdict_of

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def group_of(folder: Path, cells: list[dict[str, Any]]) -> ReportGroup:
    (group,) = analyse(run_of(folder, cells)).groups
    return group


def texts(svg: str) -> list[str | None]:
    return [one.text for one in ElementTree.fromstring(svg).iter() if one.tag.endswith("}text")]


def test_the_fastest_and_its_lead_stand_on_green(tmp_path: Path) -> None:
    svg = badge(group_of(tmp_path, [cell("a", FIRST, [1e-3] * 9), cell("b", FIRST, [2e-3] * 9)]))
    assert texts(svg) == ["tinynet, 1 threads", "a 2.00× ahead"]  # noqa: RUF001  # the sign of a ratio
    assert "#0b6b3a" in svg


def test_without_enough_evidence_it_is_perhaps_and_of_a_part_nothing(tmp_path: Path) -> None:
    unsure = [cell("a", FIRST, [1e-3, 2e-3] * 4), cell("b", FIRST, [2e-3, 1e-3] * 4)]
    svg = badge(group_of(tmp_path / "unsure", unsure))
    assert verdict_of(group_of(tmp_path / "again", unsure)).startswith("perhaps ")
    assert "#7a5600" in svg
    part = group_of(tmp_path / "part", [cell("a", FIRST, [1e-3] * 9), cell("a", SECOND, status="wrong")])
    assert verdict_of(part) == "1 of 2 layers"
    assert "#5c636b" in badge(part)


@pytest.mark.parametrize("name", ['<script>&"', "x" * 200, "$x^2$"])
def test_a_name_is_text(name: str, tmp_path: Path) -> None:
    svg = badge(group_of(tmp_path, [cell("a", FIRST, [1e-3] * 9, group=name[:64])]))
    network, _ = texts(svg)
    assert network is not None
    assert network.startswith(name[:40])


def test_the_line_that_shows_it_is_one_link() -> None:
    line = embed("a](x) <b>", "runs/a b/badge.svg", "runs/a b/index.html")
    assert line == "[![a  x   b ](runs/a%20b/badge.svg)](runs/a%20b/index.html)"
