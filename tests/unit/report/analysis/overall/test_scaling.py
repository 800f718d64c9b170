"""Speed-ups against one thread, by hand; from the newest runs of one kind of rules."""

from __future__ import annotations

import pytest

from pointwise_bench.report.analysis.network_totals import Ratio, Total
from pointwise_bench.report.analysis.overall.recorded import Own, Recorded, RecordedNetwork
from pointwise_bench.report.analysis.overall.scaling import scalings, sure


def run_of(day: int, times: dict[int, dict[str, tuple[float, float, float]]], **changed: str) -> Recorded:
    networks = tuple(
        RecordedNetwork("net", threads, True, {name: Own(Total(*each), 0.5) for name, each in of.items()}, ())
        for threads, of in times.items()
    )
    texts = {"machine": "m", "run": f"run-{day}", "started_at": f"2026-01-{day:02}", "rules": "A"} | changed
    return Recorded(texts["machine"], texts["run"], texts["started_at"], texts["rules"], networks)


ONE = run_of(1, {1: {"a": (8.0, 7.0, 9.0), "b": (6.0, 6.0, 6.0)}})
TWO = run_of(2, {2: {"a": (4.0, 3.5, 4.5), "c": (1.0, 1.0, 1.0)}, 4: {"a": (2.0, 2.0, 2.5), "b": (6.6, 6.3, 7.0)}})


def test_speedups_are_those_computed_by_hand() -> None:
    (found,) = scalings([TWO, ONE])
    assert dict(found.runs) == {1: "run-1", 2: "run-2", 4: "run-2"}
    assert found.speedups == {
        "a": {2: pytest.approx((8 / 4, 7 / 4.5, 9 / 3.5)), 4: pytest.approx((8 / 2, 7 / 2.5, 9 / 2))},
        "b": {4: pytest.approx((6 / 6.6, 6 / 7, 6 / 6.3))},
        "c": {},
    }
    assert found.known


def test_each_budget_is_of_the_newest_run_with_the_rules_of_the_newest() -> None:
    again = run_of(3, {1: {"a": (7.0, 7.0, 7.0)}})
    other = run_of(4, {2: {"a": (1.0, 1.0, 1.0)}}, rules="B")
    (found,) = scalings([ONE, TWO, again])
    assert found.speedups["a"][2].ratio == 7 / 4
    (found,) = scalings([other, ONE, TWO, again])
    assert (dict(found.runs), found.known, found.left_out) == ({2: "run-4"}, False, 3)


def test_machines_are_apart_and_parts_of_networks_tell_nothing() -> None:
    elsewhere = run_of(2, {2: {"a": (4.0, 4.0, 4.0)}}, machine="n")
    part = Recorded("m", "r", "2026-01-09", "A", (RecordedNetwork("net", 2, False, {}, ()),))
    found = scalings([ONE, elsewhere, part])
    assert [(one.machine, one.known, dict(one.runs)) for one in found] == [
        ("m", False, {1: "run-1"}),
        ("n", False, {2: "run-2"}),
    ]


def test_surely_faster_is_by_more_than_the_margin_with_the_whole_interval() -> None:
    ratios = [(1.5, 1.03, 2.0), (1.5, 1.01, 2.0), (0.9, 0.8, 0.97), (0.9, 0.8, 0.99)]
    assert [sure(Ratio(*each)) for each in ratios] == ["faster", "", "slower", ""]
