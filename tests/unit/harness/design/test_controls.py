"""On which problems a run proves its verdicts."""

from __future__ import annotations

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design.controls import CONTROLS, control_problems
from pointwise_bench.suites.harness.design.policy import POLICY


def of(height: int, direction: str = "forward") -> Problem:
    return Problem(batch=1, in_channels=64, out_channels=64, height=height, width=8, direction=direction)  # type: ignore[arg-type]


def test_a_few_problems_whose_calls_are_neither_too_short_nor_too_long() -> None:
    rule = POLICY.controls
    medians = {of(number): 1e-3 for number in range(1, 10)}
    short, long, backward = of(20), of(21), of(22, "backward-input")
    medians |= {short: 0.9 * rule.shortest_s, long: 1.1 * rule.longest_s, backward: 1e-3}
    found = control_problems(medians)
    assert len(found) == len(set(found)) == rule.problems
    assert not {short, long, backward} & set(found)
    assert control_problems({}) == []


def test_they_are_the_same_and_slower_by_known_shares() -> None:
    assert [control.percent for control in CONTROLS] == [0, 3, 5]
    assert len({control.name for control in CONTROLS}) == 3
