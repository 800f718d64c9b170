"""A worker's clock held against the harness's: what is a doubt, what takes it away, and what convicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.held_clock import (
    WRONG_CLOCK,
    TurnOnBothClocks,
    beside_s,
    check_clock,
    is_doubtful,
    is_explained,
    tells,
)

CALL_S = 0.0004
PROBLEM = Problem(batch=1, in_channels=64, out_channels=64, height=28, width=28)
BESIDE_S = beside_s(PROBLEM, CALL_S)


def turn(wall_s: float, untimed_s: float = 0.0013, late_s: float = 0.0007, told: float = 1.0) -> TurnOnBothClocks:
    """One by a clock that tells a share of the timed calls, or, above 1, puts as much of them beside these."""
    hidden_s = wall_s * (1 - told) if told <= 1 else 0.0
    moved_s = wall_s * (told - 1) if told > 1 else 0.0
    return TurnOnBothClocks(wall_s + untimed_s + late_s, wall_s - hidden_s - moved_s, untimed_s + moved_s)


def test_what_the_harness_does_behind_an_answer_is_none_of_the_clocks() -> None:
    """Until the threads of a worker were stopped took 2 to 8 ms of turns of 9, of which a quarter were doubted."""
    asked = Turn(CALL_S, 1.0, 0.004, None, untimed_s=0.0013, apart_s=0.0068)
    assert TurnOnBothClocks.of(asked, 0.013).unexplained_s(BESIDE_S) == pytest.approx(0.0009)
    assert is_doubtful([TurnOnBothClocks.of(replace(asked, apart_s=0.0), 0.013)] * 4, BESIDE_S)
    assert not is_doubtful([TurnOnBothClocks.of(asked, 0.013)] * 4, BESIDE_S)


def test_what_passes_beside_timed_calls_is_the_calls_before_filling_and_looks() -> None:
    assert 0.001 + CALL_S < BESIDE_S < 0.001 + CALL_S + 0.001
    assert beside_s(PROBLEM, CALL_S, outside_s=2.0) - BESIDE_S == pytest.approx(0.12)


@pytest.mark.parametrize(("told", "doubtful"), [(1.0, False), (0.5, True), (1.5, True)])
def test_a_clock_that_hides_a_half_or_moves_it_is_doubted(told: float, doubtful: bool) -> None:
    assert is_doubtful([turn(0.004, told=told)] * 5, BESIDE_S) is doubtful


def test_what_a_short_turn_moves_beside_its_calls_is_doubted() -> None:
    assert is_doubtful([turn(0.0015, late_s=0.0003, told=1.6)] * 5, BESIDE_S)
    assert not is_doubtful([turn(0.0015, late_s=0.0003)] * 5, BESIDE_S)


def test_the_quickest_answer_counts_and_late_ones_are_no_doubt() -> None:
    late = [turn(0.004, late_s=0.03)] * 4
    assert is_doubtful(late, BESIDE_S)
    assert not is_doubtful([turn(0.1, late_s=0.03)] * 4 + [turn(0.1)], BESIDE_S)


@pytest.mark.parametrize(("told", "late_s", "explained"), [
    (1.0, 0.1, True), (0.95, 0.0, True), (0.85, 0.0, False), (1.3, 0.0, False), (0.3, 0.0, False)])  # fmt: skip
def test_a_long_turn_shows_what_is_missing_however_it_is_named(told: float, late_s: float, explained: bool) -> None:
    long = turn(2.0, late_s=late_s, told=told)
    assert is_explained(long, beside_s(PROBLEM, CALL_S, long.outside_s)) is explained


def test_the_less_is_missing_the_longer_a_turn_must_be_to_tell() -> None:
    half, most = turn(0.6, told=0.5), turn(0.6, told=0.2)
    assert not tells(half, beside_s(PROBLEM, CALL_S, half.outside_s))
    assert tells(most, beside_s(PROBLEM, CALL_S, most.outside_s))
    longer = turn(2.1, told=0.5)
    assert tells(longer, beside_s(PROBLEM, CALL_S, longer.outside_s))


class Asked:
    """Turns of so many calls by a clock that tells a share, or another one in turns that are longer than usual."""

    def __init__(self, told: float, told_in_long: float | None = None) -> None:
        self.told, self.told_in_long = told, told if told_in_long is None else told_in_long
        self.calls: list[int] = []

    def check(self, calls: int, late_s: Callable[[], float] = lambda: 0.0007, *, glance: bool = True) -> None:
        """As a trial does, after five usual turns."""
        usual = [turn(calls * CALL_S, told=self.told)] * 5

        def take(calls: int) -> TurnOnBothClocks:
            self.calls.append(calls)
            return turn(calls * CALL_S, told=self.told_in_long, late_s=late_s())

        check_clock(PROBLEM, CALL_S, calls, usual, take, glance=glance)


@pytest.mark.parametrize("calls", [10, 100])
def test_a_right_clock_is_asked_for_one_longer_turn_where_its_usual_ones_are_short(calls: int) -> None:
    asked = Asked(1.0)
    asked.check(calls)
    assert len(asked.calls) == (calls == 10)
    assert all(40 < calls < 80 for calls in asked.calls)


def test_without_a_glance_only_a_doubt_takes_longer_turns() -> None:
    asked = Asked(1.0)
    asked.check(10, glance=False)
    assert not asked.calls
    with pytest.raises(Ended, match=WRONG_CLOCK):
        Asked(0.3).check(10, glance=False)


@pytest.mark.parametrize("told", [0.85, 1.3])
def test_a_clock_that_runs_a_seventh_slower_leaves_a_doubt_in_a_longer_turn_alone_and_is_convicted(told: float) -> None:
    assert not is_doubtful([turn(0.004, told=min(told, 1.0))] * 5, BESIDE_S)
    asked = Asked(told)
    with pytest.raises(Ended, match="its clock is wrong") as caught:
        asked.check(10)
    assert caught.value.status == "wrong"
    assert asked.calls[-1] * CALL_S >= 2.0


def test_an_answer_that_is_late_once_takes_one_more_turn_and_convicts_nobody() -> None:
    late = iter([0.03])
    asked = Asked(1.0)
    asked.check(10, lambda: next(late, 0.0007))
    assert asked.calls[1:] == [160]


def test_of_an_empty_batch_no_clock_is_asked() -> None:
    """Honest libraries were convicted of one: their inputs of twenty million calls had taken a second to make."""
    usual = [turn(10 * CALL_S, told=0.3)] * 5

    def take(calls: int) -> TurnOnBothClocks:
        raise AssertionError("not asked")

    check_clock(replace(PROBLEM, batch=0), CALL_S, 10, usual, take)
