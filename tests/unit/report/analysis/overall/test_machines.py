"""Machines side by side, counted by hand: shares of their own ceilings and leaders, and no time."""

from __future__ import annotations

from pointwise_bench.report.analysis.network_totals import Total
from pointwise_bench.report.analysis.overall.machines import Column, LedLayer, side_by_side
from pointwise_bench.report.analysis.overall.recorded import LayerLeaders, Own, Recorded, RecordedNetwork

Leaders = tuple[str, ...] | None


def run_of(machine: str, day: int, shares: dict[str, float], leaders: list[Leaders], threads: int = 2) -> Recorded:
    layers = tuple(LayerLeaders(f"layer{number}", f"p{number}", each) for number, each in enumerate(leaders))
    own = {name: Own(Total(day, day, day), share) for name, share in shares.items()}
    network = RecordedNetwork("net", threads, bool(shares), own, layers)
    return Recorded(machine, f"run-{day}", f"2026-01-{day:02}", "A", (network,))


BIG = run_of("big", 1, {"a": 0.9, "b": 0.4}, [("a",), ("a", "b"), ("b",), (), ("a",)])
SMALL = run_of("small", 2, {"a": 0.5}, [("a",), ("b",), ("a",), ("a",), None])


def test_shares_and_leads_are_those_counted_by_hand() -> None:
    (found,) = side_by_side([SMALL, BIG])
    assert [side.column for side in found.sides] == [Column("big", 2, "run-1"), Column("small", 2, "run-2")]
    assert [dict(side.of_roof) for side in found.sides] == [{"a": 0.9, "b": 0.4}, {"a": 0.5}]
    assert [dict(side.led) for side in found.sides] == [{"a": 3, "b": 2}, {"a": 3, "b": 1}]
    assert [side.decided for side in found.sides] == [4, 4]
    # Layers 0, 1 and 2 are decided on both; on 0 it is a, on 1 b leads on both, on 2 they differ.
    assert (found.decided, found.agreed) == (3, 2)
    assert found.rows[1] == LedLayer("layer1", "p1", (("a", "b"), ("b",)))
    assert [row.leaders for row in found.rows[3:]] == [((), ("a",)), (("a",), None)]


def test_the_newest_run_of_a_machine_counts_and_a_whole_one_before_a_part() -> None:
    part = run_of("big", 8, {}, [("b",)])
    later = run_of("small", 9, {"a": 0.6}, [("b",)])
    (found,) = side_by_side([part, later, SMALL, BIG])
    assert [side.column.run for side in found.sides] == ["run-1", "run-9"]
    assert found.decided == 1


def test_one_machine_is_beside_nobody_whatever_its_threads() -> None:
    assert side_by_side([BIG, run_of("big", 3, {"a": 0.8}, [("a",)], threads=1)]) == []
    assert side_by_side([BIG, run_of("small", 3, {}, [None, None])]) == []
