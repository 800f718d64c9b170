"""What is planned: a problem once, however often it is named, with all its places and backends."""

from __future__ import annotations

from dataclasses import asdict

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.run.plan import Plan

SMALL = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
WIDER = Problem(batch=1, in_channels=16, out_channels=8, height=4, width=4)
HERE, THERE = Place("a network", "layer 1", 3), Place("a sweep", "point 2")


def test_a_problem_in_two_places_is_one_trial_with_both() -> None:
    plan = Plan()
    for place in (HERE, THERE, HERE):
        for backend in ("b", "a"):
            plan.add(SMALL, 1, backend, place)
    (planned,) = plan
    assert planned.places == [HERE, THERE]
    assert planned.backends == ["b", "a"]
    assert planned.key == (SMALL.id, 1)
    assert planned.title == "a network layer 1"


def test_another_thread_budget_or_problem_is_another_trial_in_the_order_of_adding() -> None:
    plan = Plan()
    plan.add(WIDER, 2, "a", HERE)
    plan.add(SMALL, 1, "b", HERE)
    plan.add(WIDER, 1, "a", HERE)
    assert [(each.problem, each.threads, each.backends) for each in plan] == [
        (WIDER, 2, ["a"]),
        (SMALL, 1, ["b"]),
        (WIDER, 1, ["a"]),
    ]
    assert plan.thread_budgets == [1, 2]
    assert plan.backends == ["a", "b"]


def test_an_equal_problem_made_anew_is_the_same() -> None:
    plan = Plan()
    plan.add(SMALL, 1, "a", HERE)
    plan.add(Problem.parse(SMALL.id), 1, "b", HERE)
    assert [each.backends for each in plan] == [["a", "b"]]


def test_the_selection_is_every_place_of_every_thread_budget_once_whatever_the_backends() -> None:
    plan = Plan()
    for threads in (1, 2):
        plan.add(SMALL, threads, "a", HERE)
        plan.add(SMALL, threads, "b", HERE)
    plan.add(SMALL, 2, "b", THERE)
    plan.add(WIDER, 1, "a", HERE)
    layer, point = asdict(HERE), asdict(THERE)
    assert plan.selection == [
        layer | {"problem": SMALL.id, "threads": 1},
        layer | {"problem": SMALL.id, "threads": 2},
        point | {"problem": SMALL.id, "threads": 2},
        layer | {"problem": WIDER.id, "threads": 1},
    ]


def test_an_empty_plan_has_nothing() -> None:
    assert (list(Plan()), Plan().thread_budgets, Plan().backends) == ([], [], [])
