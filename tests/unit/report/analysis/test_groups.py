"""Shape groups: totals, who leads on them, and speed-ups against the baseline, worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from make_run import cell, run_of

from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.groups import ReportGroup, Standing, group_up
from pointwise_bench.report.analysis.network_totals import Ratio
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate

FIRST, SECOND, THIRD = "n1c64h28w28-o128", "n1c128h14w14-o64", "n1c8h4w4-o8"
ROUNDS = 31
# The machine halves its speed in every other round: only a paired comparison finds a steady few percent.
WANDER = np.tile([1.0, 2.0], 16)


def grouped(folder: Path, cells: list[dict[str, Any]], baseline: str | None = None) -> list[ReportGroup]:
    """The groups of a run with these cells."""
    run = run_of(folder, cells)
    comparisons = compare_run(run)
    return group_up(run, tabulate(run, comparisons, Roofs({}, {}, {})), comparisons, baseline)


def only(
    folder: Path, cells: list[dict[str, Any]], baseline: str | None = None
) -> tuple[ReportGroup, dict[str, Standing]]:
    """The one group, and its standings by backend."""
    (group,) = grouped(folder, cells, baseline)
    return group, {standing.backend: standing for standing in group.standings}


def lead_of(group: ReportGroup) -> tuple[str, float, float, float]:
    """The first that is slower than the leaders, and by how much."""
    slower = group.next_slower
    assert slower is not None
    assert slower.behind is not None
    return (slower.backend, *slower.behind)


def steady(backend: str, problem: str, seconds: float, rounds: int = ROUNDS, **changed: Any) -> dict[str, Any]:
    """A cell whose rounds all took the same."""
    return cell(backend, problem, [seconds] * rounds, **changed)


# --- totals -------------------------------------------------------------------------------------------------------


def selected(*problems: str, group: str = "tinynet", count: int = 1, threads: int = 1) -> list[dict[str, Any]]:
    """Places of ``run.json``, as if each problem were a layer of its own name."""
    place = {"group": group, "count": count, "threads": threads}
    return [place | {"name": problem, "problem": problem} for problem in problems]


def test_a_layer_that_was_asked_for_and_has_no_cell_leaves_no_total(tmp_path: Path) -> None:
    cells = [steady("a", FIRST, 1e-3), steady("b", FIRST, 2e-3)]
    asked = [*selected(FIRST, SECOND), *selected(THIRD, group="othernet", count=2), *selected(FIRST, threads=2)]
    run = run_of(tmp_path, cells, selection=asked)
    comparisons = compare_run(run)
    part, others, other = group_up(run, tabulate(run, comparisons, Roofs({}, {}, {})), comparisons, None)
    assert [layer.problem for layer in part.layers] == [FIRST, SECOND]
    assert ([layer.problem for layer in part.missing], part.covered) == ([SECOND], 1)
    assert (part.is_whole, part.leaders, part.next_slower) == (False, [], None)
    assert [standing.total for standing in part.standings] == [None, None]
    assert (others.name, others.threads, others.layers) == ("tinynet", 2, ((FIRST, FIRST, 1),))
    assert (other.name, other.threads, other.layers) == ("othernet", 1, ((THIRD, THIRD, 2),))
    assert (other.standings, other.missing, other.covered) == ((), other.layers, 0)


def test_a_layer_without_a_valid_time_is_not_covered(tmp_path: Path) -> None:
    run = run_of(tmp_path, [steady("a", FIRST, 1e-3), cell("a", SECOND, status="wrong")])
    comparisons = compare_run(run)
    (group,) = group_up(run, tabulate(run, comparisons, Roofs({}, {}, {})), comparisons, None)
    assert ([layer.problem for layer in group.missing], group.covered) == ([SECOND], 1)


def test_total_counts_occurrences_and_needs_every_layer(tmp_path: Path) -> None:
    cells = [
        steady("whole", FIRST, 1e-3, count=1),
        steady("whole", SECOND, 2e-3, count=4),
        steady("partial", FIRST, 1e-6, count=1),
        cell("partial", SECOND, count=4, status="wrong"),
    ]
    group, standings = only(tmp_path, cells)
    total = standings["whole"].total
    assert total is not None
    assert total.seconds == pytest.approx(9e-3)
    assert standings["partial"].total is None
    assert [standing.backend for standing in group.leaders] == ["whole"]
    assert [standing.backend for standing in group.standings] == ["whole", "partial"]
    assert (standings["partial"].timed, standings["partial"].leads) == (1, False)


def test_the_ends_of_a_total_are_the_sums_of_the_layers_ends(tmp_path: Path) -> None:
    """Nine rounds: the interval of each layer is from rank 2 to rank 8."""
    one, other = np.arange(1.0, 10.0), np.arange(10.0, 100.0, 10.0)
    _, standings = only(tmp_path, [cell("a", FIRST, one, count=2), cell("a", SECOND, other, count=3)])
    total = standings["a"].total
    assert total is not None
    assert (total.seconds, total.low, total.high) == pytest.approx((2 * 5 + 3 * 50, 2 * 2 + 3 * 20, 2 * 8 + 3 * 80))


def test_one_problem_in_two_layers_counts_twice(tmp_path: Path) -> None:
    also = [{"group": "tinynet", "name": "late", "count": 3}]
    group, standings = only(tmp_path, [steady("a", FIRST, 1.0, name="early", count=2, also=also)])
    assert [(layer.name, layer.problem, layer.occurrences) for layer in group.layers] == [
        ("early", FIRST, 2),
        ("late", FIRST, 3),
    ]
    total = standings["a"].total
    assert total is not None
    assert total.seconds == pytest.approx(5.0)


# --- who leads ----------------------------------------------------------------------------------------------------


def test_totals_are_compared_round_by_round(tmp_path: Path) -> None:
    cells = [cell(name, one, 1e-3 * WANDER * f) for one in (FIRST, SECOND) for name, f in (("a", 1.0), ("b", 1.05))]
    group, _ = only(tmp_path, cells)
    assert [standing.backend for standing in group.leaders] == ["a"]
    assert lead_of(group)[0] == "b"
    assert lead_of(group)[1:] == pytest.approx((1.05, 1.05, 1.05))


@pytest.mark.parametrize("best", ["a", "z"])
def test_the_lead_is_the_others_time_over_the_bests_whatever_their_names(tmp_path: Path, best: str) -> None:
    """Of three, the next that does not lead is named: twice the time, not four times."""
    times = {best: 1.0, "m": 2.0, "n": 4.0}
    group, _ = only(tmp_path, [steady(name, FIRST, seconds) for name, seconds in times.items()])
    assert lead_of(group)[0] == "m"
    assert lead_of(group)[1:] == pytest.approx((2.0, 2.0, 2.0))
    assert [standing.backend for standing in group.standings] == [best, "m", "n"]


def test_who_is_beaten_by_another_than_the_fastest_is_not_said_to_be_the_next(tmp_path: Path) -> None:
    group, standings = only(tmp_path, [steady(name, FIRST, t) for name, t in (("a", 1.0), ("m", 2.0), ("n", 4.0))])
    unclear = replace(standings["m"], behind=Ratio(0.99, 0.53, 1.85))
    group = replace(group, standings=(standings["a"], unclear, standings["n"]))
    assert lead_of(group)[0] == "n"
    assert replace(group, standings=group.standings[:2]).next_slower is None


@pytest.mark.parametrize(("count", "leader"), [(1, "a"), (5, "b")])
def test_a_layer_weighs_as_often_as_it_occurs(tmp_path: Path, count: int, leader: str) -> None:
    """A takes 1 and 2 a layer, b 3 and 1: once each a needs 3 of 4; with the second five times, a 11 and b 8."""
    cells = [steady("a", FIRST, 1.0), steady("b", FIRST, 3.0)]
    cells += [steady("a", SECOND, 2.0, count=count), steady("b", SECOND, 1.0, count=count)]
    group, _ = only(tmp_path, cells)
    assert [standing.backend for standing in group.leaders] == [leader]
    ratio = {1: 4 / 3, 5: 11 / 8}[count]
    assert lead_of(group)[1] == pytest.approx(ratio)


def test_backends_within_the_margin_share_the_lead(tmp_path: Path) -> None:
    group, standings = only(tmp_path, [steady(name, FIRST, t) for name, t in (("a", 1.01), ("b", 1.0), ("c", 2.0))])
    assert [standing.backend for standing in group.leaders] == ["b", "a"]
    assert {name: one.leading for name, one in standings.items()} == {"a": 1, "b": 1, "c": 0}
    assert lead_of(group)[0] == "c"
    assert lead_of(group)[1] == pytest.approx(2.0)


def test_rounds_of_one_name_are_added_whatever_their_order_and_the_others_left_out(tmp_path: Path) -> None:
    """Layer two has its rounds reversed and lacks some; the slow rounds are the same by name in both layers."""
    names = list(range(12))
    wander = np.array([1.0 + 10 * (name % 3) for name in names])
    kept = names[::-1][:9]
    cells = []
    for backend, factor in (("a", 1.0), ("b", 1.1)):
        cells.append(cell(backend, FIRST, factor * wander, round=names))
        cells.append(cell(backend, SECOND, factor * wander[kept], round=kept))
    group, _ = only(tmp_path, cells)
    assert lead_of(group)[1:] == pytest.approx((1.1, 1.1, 1.1))


@pytest.mark.parametrize("changed", [{"isolation": "in-process"}, {"arithmetic": "tf32"}])
def test_what_is_never_compared_leads_no_group(tmp_path: Path, changed: dict[str, Any]) -> None:
    cells = [steady("a", one, 1.0) for one in (FIRST, SECOND)]
    cells += [steady("b", FIRST, 1e-3), steady("b", SECOND, 1e-3, **changed)]
    group, standings = only(tmp_path, cells)
    assert [standing.backend for standing in group.leaders] == ["a"]
    assert standings["b"].total is not None
    assert group.next_slower is None


def test_of_backends_with_too_few_rounds_the_shortest_leads(tmp_path: Path) -> None:
    group, _ = only(tmp_path, [steady("a", FIRST, 2.0, rounds=5), steady("b", FIRST, 1.0, rounds=5)])
    assert [standing.backend for standing in group.leaders] == ["b"]


def test_without_a_whole_total_nobody_leads(tmp_path: Path) -> None:
    cells = [steady("a", FIRST, 1.0), cell("a", SECOND, status="crashed")]
    cells += [steady("b", SECOND, 1.0), cell("b", FIRST, status="crashed")]
    group, standings = only(tmp_path, cells)
    assert group.leaders == []
    assert group.next_slower is None
    assert {one.leading for one in standings.values()} == {1}


# --- speed-ups ----------------------------------------------------------------------------------------------------


def test_a_speed_up_is_the_geometric_mean_over_the_layers_that_both_have(tmp_path: Path) -> None:
    """The baseline needs 8 and 2, a 1 and 1: ratios of 8 and 2, whose geometric mean is 4."""
    cells = [steady("base", FIRST, 8.0), steady("base", SECOND, 2.0), steady("base", THIRD, 1.0)]
    cells += [steady("a", FIRST, 1.0), steady("a", SECOND, 1.0), cell("a", THIRD, status="wrong")]
    cells += [steady("z", FIRST, 16.0), cell("z", SECOND, status="wrong"), cell("z", THIRD, status="wrong")]
    _, standings = only(tmp_path, cells, "base")
    # a stands before the baseline in the alphabet and z behind it: the ratio is turned over for one of them.
    assert [standings[name].speedup for name in ("a", "z")] == pytest.approx([4.0, 0.5])
    assert [standings[name].shared for name in ("a", "z")] == [2, 1]
    assert math.isnan(standings["base"].speedup)
    assert standings["base"].shared == 0


def test_without_a_baseline_there_is_no_speed_up(tmp_path: Path) -> None:
    _, standings = only(tmp_path, [steady("a", FIRST, 1.0), steady("b", FIRST, 2.0)])
    assert {one.shared for one in standings.values()} == {0}


# --- which groups there are ---------------------------------------------------------------------------------------


def test_groups_are_networks_then_collections_then_sweeps_each_by_thread_budget(tmp_path: Path) -> None:
    named = ("sweep-batch", "claims", "znet", "basics", "anet")
    cells = [
        steady("a", f"n{number}c8h4w4-o8", 1.0, group=name, threads=threads)
        for threads in (2, 1)
        for number, name in enumerate(named, 1)
    ]
    groups = grouped(tmp_path, cells)
    assert [(group.name, group.threads) for group in groups] == [
        (name, threads) for name in ("znet", "anet", "claims", "basics", "sweep-batch") for threads in (1, 2)
    ]
    assert [group.name for group in groups if group.is_network] == ["znet", "znet", "anet", "anet"]
    assert [group.name for group in groups if group.is_sweep] == ["sweep-batch", "sweep-batch"]


def test_thread_budgets_are_groups_of_their_own(tmp_path: Path) -> None:
    cells = [steady("a", FIRST, 1.0), steady("b", FIRST, 2.0)]
    cells += [steady("a", FIRST, 2.0, threads=2), steady("b", FIRST, 1.0, threads=2)]
    assert {group.threads: group.leaders[0].backend for group in grouped(tmp_path, cells)} == {1: "a", 2: "b"}


TIMES = st.lists(st.lists(st.integers(1, 50), min_size=2, max_size=2), min_size=2, max_size=4)


# 20 examples, each a run on disk of up to four backends with two layers: totals and their order are exact sums of
# whole numbers, so a layer that is dropped or counted once too often shows in the first example.
@settings(max_examples=20, deadline=None)
@given(TIMES, st.integers(1, 5))
def test_totals_and_their_order_are_those_of_plain_sums(
    tmp_path_factory: pytest.TempPathFactory, times: list[list[int]], count: int
) -> None:
    cells = []
    for number, (one, other) in enumerate(times):
        cells += [
            steady(f"b{number}", FIRST, one, rounds=9),
            steady(f"b{number}", SECOND, other, rounds=9, count=count),
        ]
    group, standings = only(tmp_path_factory.mktemp("run"), cells)
    sums = {f"b{number}": one + count * other for number, (one, other) in enumerate(times)}
    for name, total in sums.items():
        found = standings[name].total
        assert found is not None
        assert found.seconds == found.low == found.high == pytest.approx(total)
    shortest = min(sums.values())
    # Steady times: what leads is what lies within 2 % of the shortest.
    assert {one.backend for one in group.leaders} == {name for name, one in sums.items() if one <= 1.02 * shortest}
    others = [one.backend for one in group.standings if not one.leads]
    assert others == sorted(others, key=lambda name: (sums[name], name))
