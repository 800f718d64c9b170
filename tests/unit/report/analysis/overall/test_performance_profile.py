"""Performance profiles against shares counted by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.overall.performance_profile import Profile, Without, performance_profiles
from pointwise_bench.report.pages.run_analysis import analyse

FOUR = [f"n1c{8 * number}h8w8-o8" for number in (1, 2, 3, 4)]
TIMES = {"a": (1e-3, 1e-3, 4e-3, 1e-3), "b": (2e-3, 1.5e-3, 1e-3, None), "c": (1.1e-3, None, 3e-3, 8e-3)}
"""Of each backend on each problem; by hand: a is 1, 1, 4, 1 times the fastest, b 2, 1.5, 1, c 1.1, none, 3, 8."""


def cells_of(times: Mapping[str, Sequence[float | None]]) -> list[dict[str, object]]:
    return [
        cell(who, problem, [seconds] * 9)
        for who, of in times.items()
        for problem, seconds in zip(FOUR, of, strict=True)
        if seconds is not None
    ]


def test_shares_are_those_counted_by_hand(tmp_path: Path) -> None:
    refused = cell("b", FOUR[3], status="unsupported", reason="no")
    found = analyse(run_of(tmp_path, [*cells_of(TIMES), refused]))
    (budget,) = performance_profiles(found.timings, found.comparisons)
    assert (budget.threads, budget.problems, budget.lone) == (1, 4, 0)
    rows = {one.backend: one for one in budget.backends}
    assert [one.backend for one in budget.backends] == ["a", "b", "c"]
    expected = {"a": (1, 1, 1, 4), "b": (1, 1.5, 2), "c": (1.1, 3, 8)}
    assert {name: one.factors for name, one in rows.items()} == {
        name: pytest.approx(factors) for name, factors in expected.items()
    }
    by_hand = {1.0: (3, 1, 0), 1.1: (3, 1, 1), 1.5: (3, 2, 1), 2.0: (3, 3, 1), 3.0: (3, 3, 2), 4.0: (4, 3, 2)}
    for factor, counts in {**by_hand, 8.0: (4, 3, 3), 1e9: (4, 3, 3)}.items():
        assert tuple(rows[name].within(factor) for name in "abc") == tuple(count / 4 for count in counts)
    assert rows["b"].without == Without(refused=1, failed=0, set_apart=0, unmeasured=0)
    assert rows["c"].without == Without(refused=0, failed=0, set_apart=0, unmeasured=1)


def test_a_failure_counts_against_a_backend_and_a_time_apart_is_nobodys_best(tmp_path: Path) -> None:
    changed = [
        cell("fails", FOUR[0], status="crashed", reason="signal 11"),
        cell("apart", FOUR[0], [1e-6] * 9, isolation="in-process"),
        cell("a", FOUR[0], [1e-3] * 9),
        cell("b", FOUR[0], [2e-3] * 9),
    ]
    found = analyse(run_of(tmp_path, changed))
    (budget,) = performance_profiles(found.timings, found.comparisons)
    rows = {one.backend: one for one in budget.backends}
    assert {name: (one.within(1), one.within(1e9)) for name, one in rows.items()} == {
        "a": (1, 1),
        "b": (0, 1),
        "fails": (0, 0),
        "apart": (0, 0),
    }
    assert rows["fails"].without == Without(0, 1, 0, 0)
    assert rows["apart"].without == Without(0, 0, 1, 0)


def test_a_problem_with_one_time_is_left_out_and_one_in_two_networks_counts_once(tmp_path: Path) -> None:
    twice = [{"group": "othernet", "name": "x", "count": 7}]
    cells = [cell("a", FOUR[0], [1e-3] * 9, also=twice), cell("b", FOUR[0], [2e-3] * 9, also=twice)]
    found = analyse(run_of(tmp_path, [*cells, cell("a", FOUR[1], [1e-3] * 9)]))
    (budget,) = performance_profiles(found.timings, found.comparisons)
    assert (budget.problems, budget.lone) == (1, 1)
    assert [(one.backend, one.factors) for one in budget.backends] == [("a", (1.0,)), ("b", (pytest.approx(2),))]


def test_each_thread_budget_has_its_own(tmp_path: Path) -> None:
    cells = [cell(who, FOUR[0], [s / n] * 9, threads=n) for who, s in (("a", 1e-3), ("b", 3e-3)) for n in (1, 2)]
    found = analyse(run_of(tmp_path, [*cells, cell("a", FOUR[1], [1e-3] * 9, threads=4)]))
    budgets = performance_profiles(found.timings, found.comparisons)
    assert [(one.threads, one.problems) for one in budgets] == [(1, 1), (2, 1)]


def test_a_factor_that_is_the_limit_is_within_it_whatever_its_last_digit() -> None:
    assert Profile("a", (1.1 * (1 + 1e-12),), 1, Without(0, 0, 0, 0)).within(1.1) == 1
    assert Profile("a", (1.1001,), 1, Without(0, 0, 0, 0)).within(1.1) == 0
