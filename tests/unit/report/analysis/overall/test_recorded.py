"""What is set beside other runs: sums by hand, and leaders only where they are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.overall.recorded import LayerLeaders, Recorded, recorded
from pointwise_bench.report.pages.run_analysis import analyse

ONE, TWO, THREE = "n1c8h8w8-o8", "n1c8h16w16-o8", "n1c8h32w32-o8"


def of(tmp_path: Path, cells: list[dict[str, object]], **changed: object) -> Recorded:
    found = analyse(run_of(tmp_path, cells, **changed))
    return recorded(found.run, found.timings, found.groups)


def test_totals_are_the_sums_of_a_backends_own_layers(tmp_path: Path) -> None:
    cells = [cell(who, ONE, [seconds] * 9, count=3) for who, seconds in (("a", 1e-3), ("b", 2e-3))]
    cells += [cell(who, TWO, [seconds] * 9) for who, seconds in (("a", 4e-3), ("b", 2e-3), ("part", 1e-3))]
    cells += [cell(who, "n1c8h4w4-o8", [1e-3] * 9, group="sweep-image") for who in ("a", "b")]
    (network,) = of(tmp_path, cells).networks
    assert {name: [own.total.seconds, own.total.low, own.total.high] for name, own in network.backends.items()} == {
        "a": pytest.approx([3 * 1e-3 + 4e-3] * 3),
        "b": pytest.approx([3 * 2e-3 + 2e-3] * 3),
    }
    assert network.layers == (LayerLeaders(ONE, ONE, ("a",)), LayerLeaders(TWO, TWO, ("part",)))


def test_who_could_be_beaten_leads_nothing_and_who_was_alone_beat_nobody(tmp_path: Path) -> None:
    cells = [cell(who, ONE, [seconds] * 2) for who, seconds in (("a", 1e-3), ("b", 2e-3))]  # two rounds decide nothing
    cells += [cell("a", TWO, [1e-3] * 9)]
    cells += [cell(who, THREE, [1e-3] * 9) for who in ("b", "a")]
    (network,) = of(tmp_path, cells).networks
    assert [layer.leaders for layer in network.layers] == [(), None, ("a", "b")]


def test_of_a_network_that_misses_a_layer_there_is_no_total(tmp_path: Path) -> None:
    asked = [{"group": "tinynet", "name": "third", "threads": 1, "problem": THREE, "count": 1}]
    (network,) = of(tmp_path, [cell(who, ONE, [1e-3] * 9) for who in ("a", "b")], selection=asked).networks
    assert (network.is_whole, network.backends) == (False, {})
    assert network.layers[0].leaders is None


def test_runs_of_another_policy_or_a_cold_cache_have_other_rules(tmp_path: Path) -> None:
    cells = [cell(who, ONE, [1e-3] * 9) for who in ("a", "b")]
    cold = [one | {"cache": "cold"} for one in cells]
    planned = {"policy": {"rounds": {"turn_s": 0.004, "passes": 6}, "verdict": {"margin": 0.02}}}
    kinds: list[tuple[Any, dict[str, Any]]] = [(cells, {}), (cells, planned), (cold, {}), (cells, {"policy": {"a": 1}})]
    rules = [of(tmp_path / str(number), lines, **changed).rules for number, (lines, changed) in enumerate(kinds)]
    assert rules[0] == rules[1]
    assert len(set(rules)) == 3
