"""Turns and rounds, on a clock that only these tests move."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pointwise_bench.optimizing.turns import FEWEST_ROUNDS, TURN_S, Timed, rounds, timed


class Clock:
    """Simulated seconds."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def passing(self, seconds: float) -> Callable[[], None]:
        """A call that takes so long."""

        def call() -> None:
            self.now_s += seconds

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    simulated = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: simulated.now_s)
    return simulated


def test_the_first_call_of_a_turn_is_not_counted(clock: Clock) -> None:
    waits = iter([5.0, 1.0, 1.0, 1.0])

    def call() -> None:
        clock.now_s += next(waits)

    assert timed(call)(3) == 3.0
    assert timed(lambda: None)(1) > 0  # a clock that did not advance still needs a logarithm


def test_in_every_round_everybody_has_a_turn_of_the_same_length(clock: Clock) -> None:
    asked: list[tuple[str, int]] = []

    def way(name: str, seconds: float) -> Timed:
        turn = timed(clock.passing(seconds))

        def noted(calls: int) -> float:
            asked.append((name, calls))
            return turn(calls)

        return noted

    found = rounds({"quick": way("quick", TURN_S / 10.5), "slow": way("slow", 3 * TURN_S)}, 0.0, 100)
    assert found["quick"] == pytest.approx([TURN_S / 10.5] * FEWEST_ROUNDS)
    assert found["slow"] == pytest.approx([3 * TURN_S] * FEWEST_ROUNDS)
    of_rounds = asked[4:]  # before them a call that is thrown away and one that is measured, of each
    assert {*of_rounds} == {("quick", 11), ("slow", 1)}
    for number in range(FEWEST_ROUNDS):
        assert {name for name, _ in of_rounds[2 * number : 2 * number + 2]} == {"quick", "slow"}


def test_rounds_go_on_until_the_time_is_up(clock: Clock) -> None:
    """A turn of one way takes a second beside the call that is not counted, which takes another."""
    assert len(rounds({"slow": timed(clock.passing(1.0))}, 19.5, 100)["slow"]) == 10


def test_no_more_rounds_are_taken_than_a_report_reads(clock: Clock) -> None:
    assert len(rounds({"slow": timed(clock.passing(1.0))}, 19.5, 8)["slow"]) == 8
