"""Turns that count while the cores are near, and how long is waited for that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from math import nan
from random import Random

import pytest

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.state.nearness import Nearness

CORES = [0, 1]
NEAR_S, FAR_S = 40e-9, 200e-9
RULE = POLICY.nearness


class Clock:
    """Seconds that only sleeping advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


def hops(*seconds: float) -> Callable[[list[int]], float]:
    """As many looks as are told, and the last one for ever."""
    told: Iterator[float] = chain(seconds, repeat(seconds[-1]))
    return lambda cores: next(told)


def test_on_a_machine_whose_cores_stay_near_nothing_is_waited_for(clock: Clock) -> None:
    nearness = Nearness(hops(NEAR_S, 1.9 * NEAR_S, NEAR_S), clock.sleep)
    for _ in range(100):
        nearness.await_near(CORES)
        assert nearness.counts(CORES, 0.01)
    assert (clock.now, nearness.again, nearness.spent_s) == (0.0, 0, 0.0)


def test_a_turn_after_which_they_are_apart_does_not_count(clock: Clock) -> None:
    nearness = Nearness(hops(*[NEAR_S] * 5, FAR_S, FAR_S, NEAR_S), clock.sleep)
    assert [nearness.counts(CORES, 0.01) for _ in range(6)] == [True] * 5 + [False]
    assert nearness.again == 1
    assert nearness.spent_s == pytest.approx(0.01)


def test_a_single_long_hop_is_an_interruption(clock: Clock) -> None:
    nearness = Nearness(hops(*[NEAR_S] * 5, FAR_S, NEAR_S), clock.sleep)
    assert all(nearness.counts(CORES, 0.01) for _ in range(6))


def test_before_a_turn_it_is_waited_until_they_are_near_again(clock: Clock) -> None:
    nearness = Nearness(hops(*[NEAR_S] * 5, *[FAR_S] * 8, NEAR_S), clock.sleep)
    for _ in range(6):
        nearness.counts(CORES, 0.01)
    nearness.await_near(CORES)
    assert clock.now == pytest.approx(3 * RULE.pause_s)
    assert nearness.counts(CORES, 0.01)


def test_nobody_waits_longer_than_any_turn_is_worth(clock: Clock) -> None:
    nearness = Nearness(hops(*[NEAR_S] * 500, FAR_S), clock.sleep)
    for _ in range(500):
        nearness.counts(CORES, 0.01)
        clock.sleep(0.1)
    began = clock.now
    nearness.counts(CORES, 0.01)
    assert not nearness.await_near(CORES)
    assert RULE.most_wait_s < clock.now - began <= RULE.most_wait_s + 2 * RULE.pause_s


def test_who_has_waited_in_vain_takes_his_turn_once(clock: Clock) -> None:
    """Where cores are apart for ten seconds, each turn would else have waited three times, and counted as it was."""
    nearness, turns = Nearness(hops(*[NEAR_S] * 500, FAR_S), clock.sleep), iter(range(9))
    for _ in range(500):
        nearness.counts(CORES, 0.01)
        clock.sleep(0.1)
    nearness.counts(CORES, 0.01)
    spent_s = nearness.spent_s
    assert nearness.near_turn(CORES, lambda: (next(turns), 0.001)) == (0, 0.001)
    assert (next(turns), nearness.again) == (1, 1)
    assert nearness.spent_s - spent_s <= RULE.most_wait_s + 2 * RULE.pause_s


def test_nobody_waits_and_no_turn_is_taken_again_behind_the_end_of_a_time_budget(clock: Clock) -> None:
    """Two dozen turns of a last trial had each waited three seconds, as long as there was a share of the time left."""
    nearness = Nearness(hops(*[NEAR_S] * 500, FAR_S), clock.sleep, lambda: 60.0 - clock.now)
    nearness.spend_on_waiting(RULE.share_of_finals)
    for _ in range(500):
        nearness.counts(CORES, 0.01)
        clock.sleep(0.1)
    nearness.counts(CORES, 0.01)

    def take() -> tuple[str, float]:
        clock.sleep(0.01)
        return "a turn", 0.01

    for _ in range(24):
        nearness.near_turn(CORES, take)
    assert 60.0 <= clock.now < 61.0


def test_waiting_and_taking_again_have_a_share_of_the_time(clock: Clock) -> None:
    """Cores that are apart more often than not: then most turns count as they are."""
    rng = Random(1)
    nearness = Nearness(lambda cores: NEAR_S if rng.random() < 0.3 else FAR_S, clock.sleep)
    allowed_s = RULE.least_s
    for share in (RULE.share, RULE.share_in_haste, RULE.share_of_finals):
        nearness.spend_on_waiting(share)
        began = clock.now
        for _ in range(600):
            nearness.await_near(CORES)
            clock.sleep(0.1)
            nearness.counts(CORES, 0.2)
        allowed_s += share * (clock.now - began)
        assert 0.9 * allowed_s < nearness.spent_s <= allowed_s


def test_who_is_in_haste_waits_less_and_the_finals_longest() -> None:
    assert RULE.share_in_haste < RULE.share < RULE.share_of_finals


def test_cores_that_are_apart_for_a_minute_do_not_become_usual(clock: Clock) -> None:
    near, far = 20 * RULE.learnt_each, 30 * RULE.learnt_each
    nearness = Nearness(hops(*[NEAR_S] * near, *[FAR_S] * far), clock.sleep)
    for _ in range(near + far // 2):
        nearness.counts(CORES, 0.001)
    assert nearness.recorded()["hop_s"] == pytest.approx(NEAR_S)


def test_cores_that_lie_apart_for_good_are_usual(clock: Clock) -> None:
    """Nothing else is known: not a turn is taken again."""
    nearness = Nearness(hops(FAR_S), clock.sleep)
    assert all(nearness.counts(CORES, 0.01) for _ in range(100))


def test_where_nothing_can_be_told_no_turn_is_lost_for_long(clock: Clock) -> None:
    """No hop is ever answered, as where another program never lets a core go."""
    nearness = Nearness(hops(nan), clock.sleep)
    for _ in range(100):
        nearness.await_near(CORES)
        clock.sleep(0.1)
        nearness.counts(CORES, 0.1)
    assert nearness.spent_s <= RULE.least_s + RULE.share * clock.now
    assert nearness.recorded()["hop_s"] is None


def test_each_set_of_cores_is_looked_at_for_itself(clock: Clock) -> None:
    nearness = Nearness(lambda cores: NEAR_S if 0 in cores else FAR_S, clock.sleep)
    for _ in range(3):
        assert nearness.counts([0, 1], 0.01)
    nearness.await_near([0, 1])
    assert clock.now == 0.0
    nearness.await_near([2, 3])
    assert clock.now > 0.0


def test_what_is_recorded(clock: Clock) -> None:
    nearness = Nearness(hops(*[NEAR_S] * 9, FAR_S), clock.sleep)
    for _ in range(10):
        nearness.counts(CORES, 0.01)
    assert nearness.recorded() == {"hop_s": pytest.approx(NEAR_S), "turns": 10, "again": 1, "spent_s": 0.01}


@pytest.mark.parametrize(
    ("apart", "taken"), [(0, 1), (1, 2), (RULE.most_again, 1 + RULE.most_again), (99, 1 + RULE.most_again)]
)
def test_a_turn_is_taken_again_while_the_cores_are_apart_a_few_times_at_most(
    clock: Clock, apart: int, taken: int
) -> None:
    """Two looks say that they are apart. Each try waits before it and is looked at behind it; the last one counts."""
    nearness, tries, left = Nearness(hops(*[NEAR_S] * 9), clock.sleep), 0, 0

    def take() -> tuple[str, float]:
        nonlocal tries, left
        tries += 1
        left = 2 if tries <= apart else 0
        return f"turn {tries}", 0.001

    def hop_s(cores: list[int]) -> float:
        nonlocal left
        left -= 1
        return FAR_S if left >= 0 else NEAR_S

    for _ in range(9):
        nearness.await_near(CORES)
        nearness.counts(CORES, 0.001)
    nearness._hop_s = hop_s
    assert nearness.near_turn(CORES, take) == (f"turn {taken}", 0.001)
    assert tries == taken
