"""Further starts of those who can still be the fastest, where that weighs most. On a machine that is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulated_machine import Made, SimulatedMachine, problems, run_of

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.run.course.finals import Question, fitting, in_order, weights_of, whole_networks
from pointwise_bench.suites.harness.run.course.meeting import Meeting
from pointwise_bench.suites.harness.run.plan import Plan, PlannedTrial, TrialTask
from pointwise_bench.suites.harness.run.session import Session

CLOSE = {"a": Made(speed=5e10), "b": Made(speed=4.9e10), "far": Made(speed=2.5e10), "farther": Made(speed=1e10)}


def starts(session: Session, name: str, problem: Problem) -> int:
    return len(set(session.cell(problem, 1, name).process))


def test_only_those_who_can_still_win_are_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(CLOSE)
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(3)}, time_budget_s=60.0)
    assert machine.started.count("far") == machine.started.count("farther") == 1
    assert machine.started.count("a") == machine.started.count("b") > 2
    for problem in problems(3):
        assert starts(session, "a", problem) == starts(session, "b", problem) > 1
        assert starts(session, "far", problem) == 1


def test_a_run_whose_leaders_are_settled_ends_before_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine({"a": Made(speed=5e10), "b": Made(speed=2e10)})
    run_of(machine, tmp_path, monkeypatch, {"net": problems(6)}, time_budget_s=600.0)
    assert machine.clock.now - 1000 < 100
    assert set(machine.started) == {"a", "b"}
    assert len(machine.started) == 2


def test_with_full_everybody_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(CLOSE)
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(4)}, time_budget_s=200.0, full=True)
    assert all(starts(session, name, problem) >= 3 for name in CLOSE for problem in problems(4))


def test_a_run_keeps_within_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backends that are alike: there is always more to find out than time for it."""
    machine = SimulatedMachine({f"b{number}": Made() for number in range(8)})
    run_of(machine, tmp_path, monkeypatch, {"net": problems(30)}, time_budget_s=150.0)
    assert 120 < machine.clock.now - 1000 <= 150


def meeting(problem: Problem, seconds: float, *places: Place) -> Meeting:
    part = PassSamples("a", 0, "", samples_s=[seconds] * 3)
    return Meeting(PlannedTrial(problem, 1, list(places), ["a"]), {"a": {0: part}})


def test_a_layer_weighs_as_much_as_its_part_of_a_networks_time() -> None:
    """And nothing where it is of no network: a sum over a sweep is the time of nothing."""
    one, two, three = problems(3)
    met = [
        meeting(one, 1e-3, Place("net", "1", count=3)),
        meeting(two, 1e-3, Place("net", "2"), Place("sweep-batch", "x")),
        meeting(three, 1e-3, Place("sweep-batch", "y"), Place("basics", "z")),
    ]
    assert weights_of(met) == {
        (one.id, 1): pytest.approx(0.75),
        (two.id, 1): pytest.approx(0.25),
        (three.id, 1): 0.0,
    }


def test_layers_of_networks_come_before_those_of_sweeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many of both, all of them hard to tell: where time is short the network's have more starts."""
    machine = SimulatedMachine({"a": Made(speed=5e10), "b": Made(speed=4.95e10)})
    of_net, of_sweep = problems(8)[:4], problems(8)[4:]
    # The sweep is asked for first, so that the order of asking gives the networks nothing.
    session = run_of(machine, tmp_path, monkeypatch, {"sweep-batch": of_sweep, "net": of_net}, time_budget_s=20.0)
    in_net, in_sweep = ([starts(session, "a", problem) for problem in asked] for asked in (of_net, of_sweep))
    assert min(in_net) >= max(in_sweep)
    assert sum(in_net) > sum(in_sweep)


def question(problem: Problem, seconds: float, more: int, weight: float = 0.5) -> Question:
    task = TrialTask(PlannedTrial(problem, 1, [Place("net", "x")], ["a"]), ("a",))
    return Question((task,), weight, more, seconds)


def test_what_a_second_settles_most_of_comes_first() -> None:
    (one,) = problems(1)
    long, many = question(one, seconds=9.0, more=1), question(one, seconds=2.0, more=5)
    light, quick = question(one, seconds=1.0, more=1, weight=0.01), question(one, seconds=1.0, more=1)
    assert in_order([long, None, many, light, quick]) == [quick, long, many, light]
    sweeps = [question(one, seconds, more=1, weight=0.0) for seconds in (3.0, 1.0)]
    assert in_order([*sweeps, light]) == [light, *reversed(sweeps)]


def test_what_the_time_cannot_settle_waits_for_what_it_can() -> None:
    """Of 30 seconds two questions need 12 each, with 2 for every start; the third would need a hundred starts."""
    questions = [question(problems(3)[number], seconds=3.0, more=more) for number, more in enumerate((4, 100, 4))]

    def chosen(left_s: float, *asked: Question) -> list[str]:
        found = fitting(asked, left_s, lambda task: 3.0, lambda keys: 1.0 if list(keys) else 0.0)
        return [task.planned.problem.id for task in found]

    first, tie, last = (each.tasks[0].planned.problem.id for each in questions)
    assert chosen(30.0, *questions) == [first, last]
    assert chosen(31.0, *questions) == [first, last, tie]  # 24 + 4 and one start of the tie
    assert chosen(27.0, *questions) == [first, tie, last]  # not both; what is left is for one start of anybody
    assert chosen(4.0, *questions) == [first]  # no question can be settled, and still time is not left lying
    assert chosen(3.0, *questions) == []


def test_only_networks_of_which_every_layer_was_measured_have_a_total() -> None:
    plan, (one, two) = Plan(), problems(2)
    for problem in (one, two):
        for group in ("net", "sweep-batch", "basics"):
            plan.add(problem, 1, "a", Place(group, problem.id, 2))
    first, second = meeting(one, 1e-3), meeting(two, 1e-3)
    assert whole_networks(plan, {(one.id, 1): first}) == []
    assert whole_networks(plan, {(one.id, 1): first, (two.id, 1): second}) == [[(first, 2), (second, 2)]]
