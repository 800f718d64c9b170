"""The line per problem: who was fastest, who failed, and how much is left by a clock that the test holds."""

from __future__ import annotations

from typing import Any

import pytest

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.run import progress as progress_module
from pointwise_bench.suites.harness.run.progress import Progress


class Clock:
    """Seconds that go by when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """The present moment."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    return clock


class Unlimited(TimeBudget):
    """No budget, or so many seconds left."""

    def __init__(self, left_s: float = float("inf")) -> None:
        super().__init__(None, 0.0)
        self.left = left_s

    def left_s(self) -> float:
        """As given."""
        return self.left

    until_end_s = left_s


def samples(backend: str, *seconds: float, calls: int = 1) -> PassSamples:
    share, wall_s = Share(len(seconds), calls, 100), calls * sum(seconds)
    return PassSamples(backend, 0, "2026-01-02T03:04:05Z", share, samples_s=list(seconds), wall_s=wall_s)


def ended(backend: str, status: Any) -> Cell:
    fixed = {"problem": "p", "threads": 1, "group": "g", "name": "n", "count": 1, "device": "cpu", "output": "fresh"}
    cell = Cell(backend=backend, isolation="worker", started_at="2026-01-02T03:04:05Z", **fixed)  # type: ignore[arg-type]
    cell.end(status, "planted")
    return cell


def test_a_line_names_the_fastest_by_its_median_and_whoever_failed(clock: Clock) -> None:
    """The median of slow is 3 ms though it had the fastest round; nobody was ever asked of those who are skipped."""
    said: list[str] = []
    progress = Progress.of_pass(0, 3, 4, Unlimited(), said.append)
    clock.now += 10
    progress.problem_done(
        "resnet stage 1",
        [samples("slow", 1e-3, 3e-3, 4e-3), samples("quick", 2e-3, 2e-3, 2e-3)],
        [ended("broken", "wrong"), ended("absent", "unavailable"), ended("picky", "unsupported")],
    )
    # 10 s each: 3 problems of this pass and 4 of each of two more are 110 s.
    assert said == ["[pass 1/3, 1/4] resnet stage 1: quick 2 ms, best of 2, broken wrong; 110 s left"]


def test_what_is_left_shrinks_and_ends_at_nothing(clock: Clock) -> None:
    said: list[str] = []
    progress = Progress.of_pass(2, 3, 2, Unlimited(), said.append)
    for _ in range(2):
        clock.now += 7
        progress.problem_done("t", [], [])
    assert said == ["[pass 3/3, 1/2] t: nothing timed; 7 s left", "[pass 3/3, 2/2] t: nothing timed; 0 s left"]
    assert progress.left == 0


def test_what_workers_take_to_start_is_not_foreseen_for_every_problem(clock: Clock) -> None:
    """20 s until the first problem of each pass is done, and 2 s for each of the other nine."""
    said: list[str] = []
    passes: list[Progress] = []
    for number in range(2):
        passes.append(Progress.of_pass(number, 2, 10, Unlimited(), said.append, tuple(passes)))
        for problem in range(10):
            clock.now += 2 if problem else 20
            passes[-1].problem_done("t", [], [])
    left = [int(line.rsplit("; ", 1)[1].split()[0]) for line in said]
    ends = [9 * 2 - 2 * problem for problem in range(10)]
    assert left[1:] == [*(20 + 18 + each for each in ends[1:]), *ends]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (84.4, "84 s"), (99.0, "99 s"), (144.0, "140 s"), (599.0, "600 s"), (640.0, "11 min")],
)
def test_a_duration_is_said_within_a_twentieth(clock: Clock, seconds: float, said: str) -> None:
    """84 s had been two minutes."""
    lines: list[str] = []
    Progress.of_stage("screening", 1, Unlimited(left_s=seconds), lines.append).problem_done("t", [], [])
    assert lines[0].endswith(f"; at most {said} left")


def test_a_pass_beyond_the_planned_ones_is_for_what_is_undecided(clock: Clock) -> None:
    said: list[str] = []
    clock_before = clock.now
    progress = Progress.of_pass(3, 3, 5, Unlimited(), said.append)
    clock.now = clock_before + 1
    progress.problem_done("t", [], [])
    assert said == ["[undecided, 1/5] t: nothing timed; 4 s left"]


def test_a_budget_that_ends_earlier_is_what_is_left(clock: Clock) -> None:
    said: list[str] = []
    progress = Progress.of_pass(0, 3, 100, Unlimited(left_s=89.4), said.append)
    clock.now += 60
    progress.problem_done("t", [], [])
    assert said[0].endswith("; 89 s left")


def test_a_stage_ends_with_the_time_of_the_run(clock: Clock) -> None:
    said: list[str] = []
    progress = Progress.of_stage("screening", 9, Unlimited(left_s=89.4), said.append)
    clock.now += 60
    progress.problem_done("t", [], [])
    progress.expect(4)
    progress.problem_done("t", [], [])
    assert said == [
        "[screening, 1/9] t: nothing timed; at most 89 s left",
        "[screening, 2/4] t: nothing timed; at most 89 s left",
    ]
    assert progress.left == 2


def test_overhead_is_what_timed_calls_do_not_explain_of_the_last_problems(clock: Clock) -> None:
    """3 rounds of 5 calls of 0.1 s are 1.5 s of 4."""
    progress = Progress.of_pass(0, 1, 50, Unlimited(), lambda line: None)
    assert progress.overhead_s() == POLICY.budget.overhead_at_first_s
    clock.now += 4
    progress.problem_done("t", [samples("a", 0.1, 0.1, 0.1, calls=5)], [])
    assert progress.overhead_s() == pytest.approx(2.5)
    for _ in range(20):  # the last twenty are the measure
        clock.now += 1
        progress.problem_done("t", [], [])
    assert progress.overhead_s() == pytest.approx(1.0)
    clock.now += 1
    progress.problem_done("t", [samples("a", 2.0)], [])  # a clock of another process may say more than went by here
    assert progress.overhead_s() == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.5, "1.5 s"),
        (1.0, "1 s"),
        (0.99951, "1e+03 ms"),
        (2.346e-3, "2.35 ms"),
        (1e-6, "1 µs"),
        (9.9e-7, "990 ns"),
    ],
)
def test_a_time_has_the_unit_that_makes_it_a_number_above_one(clock: Clock, seconds: float, text: str) -> None:
    said: list[str] = []
    progress = Progress.of_pass(0, 1, 1, Unlimited(), said.append)
    clock.now += 1
    progress.problem_done("t", [samples("a", seconds)], [])
    assert f": a {text}, best of 1;" in said[0]
