"""The win map's zones: who is where, and that no verdict makes nobody a winner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from make_run import cell, run_of

from pointwise_bench.report.analysis.winners import WinMap, win_maps
from pointwise_bench.report.pages.run_analysis import analyse


def maps_of(folder: Path, cells: list[dict[str, Any]]) -> list[WinMap]:
    return win_maps(analyse(run_of(folder, cells)).timings)


def pair(problem: str, a: float, b: float, noise: float = 0.0, **changed: Any) -> list[dict[str, Any]]:
    """Two backends on a problem; with ``noise`` the rounds' ratios are scattered by it, so that nothing is decided."""
    wander = np.exp(noise * np.array([1, -1, 1, -1, 1, -1, 1, -1, 0]))
    return [cell("a", problem, np.full(9, a), **changed), cell("b", problem, b * wander, **changed)]


def test_problems_of_like_sizes_share_a_zone_and_each_counts_once(tmp_path: Path) -> None:
    """Channels 64 and 90 on average, and 784 and 900 pixels; the first stands in two networks."""
    also = [{"group": "othernet", "name": "x", "count": 1}]
    cells = pair("n1c64h28w28-o64", 1e-3, 2e-3, also=also) + pair("n1c64h30w30-o96", 1e-3, 2e-3)
    (shown,) = maps_of(tmp_path, cells)
    assert shown.kind == (1, "float32", "nchw", "forward")
    assert (shown.channels, shown.pixels) == ([64], [1024])
    (zone,) = shown.zones.values()
    assert (zone.problems, zone.decided, zone.won, zone.state, zone.winner) == (2, 2, {"a": 2}, "won", "a")


def test_where_nothing_is_decided_nobody_wins(tmp_path: Path) -> None:
    (shown,) = maps_of(tmp_path, pair("n1c64h28w28-o64", 1e-3, 1.05e-3, noise=0.5))
    (zone,) = shown.zones.values()
    assert (zone.problems, zone.decided, zone.state, zone.winner) == (1, 0, "open", "")


def test_a_zone_of_some_verdicts_is_partly_won_and_one_of_two_winners_by_nobody(tmp_path: Path) -> None:
    first, second, third = "n1c64h28w28-o64", "n1c64h29w29-o64", "n1c64h30w30-o64"
    cells = pair(first, 1e-3, 2e-3) + pair(second, 1e-3, 1.05e-3, noise=0.5)
    (partly,) = maps_of(tmp_path / "partly", cells)[0].zones.values()
    assert (partly.state, partly.winner, partly.decided) == ("partly", "a", 1)
    (mixed,) = maps_of(tmp_path / "mixed", cells + pair(third, 2e-3, 1e-3))[0].zones.values()
    assert (mixed.state, mixed.winner, mixed.won) == ("mixed", "", {"a": 1, "b": 1})


def test_who_is_the_same_within_the_margin_wins_too(tmp_path: Path) -> None:
    (zone,) = maps_of(tmp_path, pair("n1c64h28w28-o64", 1e-3, 1e-3))[0].zones.values()
    assert (zone.state, zone.winner, zone.won) == ("won", "a", {"a": 1, "b": 1})


def test_kinds_have_maps_of_their_own_and_whoever_is_alone_wins_nothing(tmp_path: Path) -> None:
    name = "n1c64h28w28-o64"
    cells = pair(name, 1e-3, 2e-3) + pair(f"{name}-float64", 2e-3, 1e-3) + pair(name, 1e-3, 2e-3, threads=2)
    cells += [cell("a", "n1c8h4w4-o8", [1e-3] * 9), *pair("n1c64h28w28-o64-g2", 1e-3, 2e-3)]
    shown = maps_of(tmp_path, cells)
    assert [(one.kind.threads, one.kind.dtype) for one in shown] == [(1, "float32"), (1, "float64"), (2, "float32")]
    assert {place: zone.state for place, zone in shown[0].zones.items()} == {(64, 1024): "won", (8, 16): "open"}
