"""Shares of what models use: who leads how much of it, by occurrences and by work."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.collections.use import ModelsInGeneral, UseAndWork, models_in_general
from pointwise_bench.report.pages.run_analysis import analyse

ONE_PIXEL, SMALL, GROUPED = "n1c8h1w1-o8", "n1c8h8w8-o8", "n1c8h8w8-o8-g2"
"""64, 4,096 and 2,048 multiply-adds."""


def found(folder: Path, times: dict[str, tuple[int, dict[str, float]]], rounds: int = 12) -> list[ModelsInGeneral]:
    cells: list[dict[str, Any]] = [
        cell(who, problem, [seconds] * rounds, group="census", name=problem, count=count)
        for problem, (count, of) in times.items()
        for who, seconds in of.items()
    ]
    return models_in_general(analyse(run_of(folder, cells)).timings, "census")


def test_a_layer_weighs_what_it_stands_for(tmp_path: Path) -> None:
    (one,) = found(
        tmp_path,
        {ONE_PIXEL: (3, {"a": 1e-3, "b": 2e-3}), SMALL: (1, {"a": 4e-3, "b": 1e-3}), GROUPED: (0 + 4, {"b": 1e-3})},
    )
    assert (one.threads, one.layers, one.occurrences) == (1, 3, 8)
    a, b = sorted(one.backends, key=lambda each: each.backend)
    whole = 3 * 64 + 4096 + 4 * 2048
    assert (a.led, b.led) == (UseAndWork(3 / 8, 3 * 64 / whole), UseAndWork(1 / 8, 4096 / whole))
    assert one.open == UseAndWork(4 / 8, 4 * 2048 / whole), "who is alone has won against nobody"
    assert math.isnan(a.behind), "it has no time for one layer"
    assert b.behind == pytest.approx(2 ** (3 / 8))


def test_kinds_of_layers_have_their_own_leader(tmp_path: Path) -> None:
    both = {"a": 1e-3, "b": 2e-3}
    (one,) = found(tmp_path, {ONE_PIXEL: (6, both), SMALL: (3, {"a": 2e-3, "b": 1e-3}), GROUPED: (1, both)})
    kinds = [(kind.title, kind.layers, kind.share.use, kind.leader, kind.led, kind.open) for kind in one.kinds]
    assert kinds == [
        ("groups of channels", 1, 0.1, "a", 1.0, 0.0),
        ("one pixel (squeeze and excitation)", 1, 0.6, "a", 1.0, 0.0),
        ("up to 8 x 8 pixels", 1, 0.3, "b", 1.0, 0.0),
    ]


def test_without_evidence_nobody_leads(tmp_path: Path) -> None:
    (one,) = found(tmp_path, {SMALL: (5, {"a": 1e-3, "b": 2e-3})}, rounds=2)
    assert one.open.use == 1.0
    assert {each.led.use for each in one.backends} == {0.0}
    assert one.kinds[0].leader == ""


def test_other_groups_do_not_count(tmp_path: Path) -> None:
    cells = [cell(who, SMALL, [1e-3] * 12) for who in ("a", "b")]
    assert models_in_general(analyse(run_of(tmp_path, cells)).timings, "census") == []
