"""How a time budget is divided, on a clock that stands still but when it is told."""

from __future__ import annotations

import math

import pytest

from pointwise_bench.suites.harness.design import time_budget as clock_module
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.time_budget import Deadline, TimeBudget


class FakeClock:
    """Seconds that go by when they are told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        """Now."""
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr(clock_module, "time", fake)
    return fake


def test_a_deadline_is_over_when_its_moment_comes(clock: FakeClock) -> None:
    deadline = Deadline(clock.now_s + 3)
    assert (deadline.left_s(), deadline.passed()) == (3, False)
    clock.now_s += 3
    assert (deadline.left_s(), deadline.passed()) == (0, True)
    clock.now_s += 1
    assert (deadline.left_s(), deadline.passed()) == (-1, True)


def test_without_a_budget_there_is_no_end(clock: FakeClock) -> None:
    budget = TimeBudget(None, clock.now_s - 7)
    clock.now_s += 1e9
    assert budget.elapsed_s() == 1e9 + 7
    assert budget.left_s() == math.inf
    assert not budget.begin_pass(3).passed()
    assert budget.rounds({"a": 1e-3}, affordable_s=-1.0) == POLICY.rounds.usual
    assert budget.allows_settling()
    assert budget.allows_gauging(1e9)
    assert budget.patience_s() == math.inf


@pytest.mark.parametrize(
    ("seconds", "kept_back"), [(10.0, 10 * POLICY.budget.closing_share), (600.0, POLICY.budget.longest_closing_s)]
)
def test_a_rest_is_kept_back_for_the_end(clock: FakeClock, seconds: float, kept_back: float) -> None:
    budget = TimeBudget(seconds, clock.now_s)
    assert budget.left_s() == pytest.approx(seconds - kept_back)
    budget.closing_s = 2.5
    assert budget.left_s() == pytest.approx(seconds - kept_back - 2.5)


def test_the_budget_counts_from_its_beginning_and_can_be_overdrawn(clock: FakeClock) -> None:
    budget = TimeBudget(100.0, clock.now_s - 40)
    clock.now_s += 10
    assert budget.elapsed_s() == 50
    assert budget.left_s() == pytest.approx(100 - POLICY.budget.longest_closing_s - 50)
    clock.now_s += 100
    assert budget.left_s() < 0
    assert budget.begin_pass(2).passed()


def test_each_pass_that_is_left_has_the_same_time(clock: FakeClock) -> None:
    budget = TimeBudget(96.0, clock.now_s)
    assert budget.left_s() == 90
    for passes_left in (3, 2, 1):
        deadline = budget.begin_pass(passes_left)
        assert deadline.left_s() == pytest.approx(30)
        clock.now_s += 30
    assert budget.left_s() == pytest.approx(0)


def test_what_one_pass_saves_is_for_those_that_follow(clock: FakeClock) -> None:
    budget = TimeBudget(96.0, clock.now_s)
    budget.begin_pass(3)
    clock.now_s += 10
    assert budget.begin_pass(2).left_s() == pytest.approx(40)


def test_rounds_are_as_many_as_the_problem_can_afford(clock: FakeClock) -> None:
    budget = TimeBudget(600.0, clock.now_s)
    counts = [budget.rounds({"a": 1e-3, "b": 2e-3}, seconds) for seconds in (-1, 0, 0.1, 0.2, 0.4, 1000)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (POLICY.rounds.telling, POLICY.rounds.most)
    assert POLICY.rounds.telling < counts[3] < POLICY.rounds.most


def test_a_further_pass_needs_a_few_seconds(clock: FakeClock) -> None:
    budget = TimeBudget(106.0, clock.now_s)
    clock.now_s += 100 - POLICY.budget.shortest_settling_s - 0.1
    assert budget.allows_settling()
    clock.now_s += 0.2
    assert not budget.allows_settling()


def test_a_further_pass_needs_the_time_to_start_every_worker(clock: FakeClock) -> None:
    budget = TimeBudget(106.0, clock.now_s)
    clock.now_s += 85
    assert budget.allows_settling(starting_s=14.9)
    assert not budget.allows_settling(starting_s=15.1)


def test_one_answer_may_take_a_share_of_what_is_left(clock: FakeClock) -> None:
    budget = TimeBudget(106.0, clock.now_s)
    assert budget.patience_s() == pytest.approx(POLICY.budget.patience_share * 100)
    clock.now_s += 50
    assert budget.patience_s() == pytest.approx(POLICY.budget.patience_share * 50)
    clock.now_s += 1000
    assert budget.patience_s() == POLICY.budget.shortest_patience_s


def test_a_workers_first_answers_may_take_longer(clock: FakeClock) -> None:
    budget = TimeBudget(106.0, clock.now_s)
    assert budget.patience_s(True) == pytest.approx(POLICY.screening.first_patience_share * 100)
    assert budget.patience_s(True) > budget.patience_s()


def test_the_end_of_the_run_is_the_end_of_its_budget(clock: FakeClock) -> None:
    budget = TimeBudget(106.0, clock.now_s)
    clock.now_s += 50
    assert budget.until_end_s() == pytest.approx(56)
    clock.now_s += 100
    assert budget.until_end_s() == 0
    assert TimeBudget(None, clock.now_s).until_end_s() == math.inf


def test_ceilings_between_passes_must_be_cheap(clock: FakeClock) -> None:
    budget = TimeBudget(100.0, clock.now_s)
    assert budget.allows_gauging(0.9 * POLICY.budget.gauging_share * 100)
    assert not budget.allows_gauging(1.1 * POLICY.budget.gauging_share * 100)


def test_looks_at_what_backends_are_like_have_a_share_of_a_budget() -> None:
    assert TimeBudget(None, 0.0).seconds_for_properties() == float("inf")
    assert TimeBudget(100.0, 0.0).seconds_for_properties() == 100 * POLICY.properties.share
