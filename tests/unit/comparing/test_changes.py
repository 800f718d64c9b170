"""What a run says of two versions: the rule's verdict, said of this one, and lost results; slower only twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from make_run import cell, noisy, write_run

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.comparing.changes import VersionChange, changes_between, confirmed
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.reading.run import load_run

LAYERS = ("n1c64h28w28-o128", "n1c128h14w14-o64")
NAMES = {"zero": "zero-before", "a-zero-before": "a-zero-before-before"}


def changes(tmp_path: Path, cells: list[dict[str, Any]], names: dict[str, str] = NAMES) -> list[VersionChange]:
    return changes_between(analyse(load_run(write_run(tmp_path, cells))), names, MARGIN)


def both(layer: str, now: float, before: float, name: str = "zero", **changed: Any) -> list[dict[str, Any]]:
    return [
        cell(name, layer, noisy(now, 1, rounds=60), **changed),
        cell(f"{name}-before", layer, noisy(before, 2, rounds=60)),
    ]


@pytest.mark.parametrize("name", ["zero", "a-zero-before"])
def test_slower_and_faster_are_said_of_this_version(tmp_path: Path, name: str) -> None:
    found = changes(tmp_path, [*both(LAYERS[0], 1.1e-3, 1e-3, name), *both(LAYERS[1], 1e-3, 1.1e-3, name)])
    total, *layers = found
    assert [(one.backend, one.problem, one.verdict) for one in layers] == [
        (name, LAYERS[0], "slower"),
        (name, LAYERS[1], "faster"),
    ]
    assert layers[0].low < 1.1 < layers[0].high
    assert layers[0].ratio == pytest.approx(1.1, rel=0.02)
    assert layers[0].now_s / layers[0].before_s == pytest.approx(1.1, rel=0.05)
    assert total.is_total
    assert total.low < 1 < total.high


def test_a_network_is_slower_where_it_is_as_a_whole_and_has_no_total_where_a_layer_is_missing(tmp_path: Path) -> None:
    slower = [one for layer in LAYERS for one in both(layer, 1.1e-3, 1e-3)]
    total = changes(tmp_path / "whole", slower)[0]
    assert (total.where, total.verdict) == ("tinynet, all 2 layers", "slower")
    found = changes(tmp_path / "part", [*slower[:2], slower[2]])
    assert [one.is_total for one in found] == [False]


def test_equal_versions_are_the_same(tmp_path: Path) -> None:
    series = noisy(1e-3, 1, rounds=60)
    found = changes(tmp_path, [cell("zero", LAYERS[0], series), cell("zero-before", LAYERS[0], series)])
    assert [one.verdict for one in found] == ["same"]


@pytest.mark.parametrize(
    ("now", "before", "verdict", "reason"),
    [
        ({"status": "wrong", "reason": "r"}, {}, "broken", "ok before, wrong now: r"),
        ({}, {"status": "crashed", "reason": "b"}, "mended", "crashed before, ok now: b"),
        ({"status": "wrong"}, {"status": "failed"}, "not compared", "failed before, wrong now"),
        ({"status": "wrong"}, {"status": "wrong"}, "not compared", "wrong"),
        ({"arithmetic": "tf32"}, {}, "not compared", "arithmetic own before and tf32 now"),
        ({"arithmetic": "tf32"}, {"arithmetic": "tf32"}, "not compared", "its times are compared with nobody's"),
        ({"round": [100 + each for each in range(9)]}, {}, "not compared", "they had no round in common"),
    ],
)
def test_what_has_no_pair_of_times_says_why(
    tmp_path: Path, now: dict[str, Any], before: dict[str, Any], verdict: str, reason: str
) -> None:
    cells = [
        cell(name, LAYERS[0], [] if changed.get("status") else [1e-3] * 9, **changed)
        for name, changed in (("zero", now), ("zero-before", before))
    ]
    (found,) = changes(tmp_path, cells)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_few_rounds_decide_nothing(tmp_path: Path) -> None:
    cells = [cell("zero", LAYERS[0], [2e-3] * 2), cell("zero-before", LAYERS[0], [1e-3] * 2)]
    (found,) = changes(tmp_path, cells)
    assert found.verdict == "undecided"


def test_slower_is_what_is_so_twice_with_the_second_figures() -> None:
    first = VersionChange("zero", "layer", 1, "slower", "", 1.0, 1.2, 1.2, 1.1, 1.3, problem="p")
    same = replace(first, problem="q", verdict="same", ratio=1.0)
    again = replace(first, where="elsewhere", ratio=1.1)
    assert confirmed([first, same], [again]) == [replace(again, where="layer"), same]
    for other in ([], [replace(again, verdict="undecided")], [replace(again, threads=2)], [replace(again, problem="")]):
        taken, kept = confirmed([first, same], other)
        assert (taken.verdict, kept) == ("undecided", same)
        assert taken.reason.startswith("1.20× [1.10, 1.30] the time at first")  # noqa: RUF001  # a multiplication sign
