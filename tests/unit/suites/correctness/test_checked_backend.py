"""Which questions of the correctness suite a backend is spared, and which nobody."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.correctness import checked_backend as correctness
from pointwise_bench.suites.correctness.problems import (
    kinds,
    kinds_of_gradients,
    left_to_the_soak_tier,
    one_of_each_cut,
    one_of_each_edge,
)
from pointwise_bench.suites.harness.record.ended import Ended

LISTS = [problem for problems in (one_of_each_edge(), one_of_each_cut()) for _, problem in problems]
KINDS = [*kinds(), *kinds_of_gradients()]


def checked_backend(seconds: float, verify: Callable[..., object]) -> correctness.CheckedBackend:
    """One whose answers take so long, and that refuses nothing."""
    backends: Any = SimpleNamespace(expected_seconds=lambda *_: seconds, refuses=lambda *_: None, verify=verify)
    return correctness.CheckedBackend(backends, {"backend": "made-up"})  # type: ignore[typeddict-item]


def asked(seconds: float) -> set[Problem]:
    """Of the kinds, the edges and the cuts, what a backend is asked that takes so long over each."""
    found: set[Problem] = set()
    checked = checked_backend(seconds, lambda name, problem, *_, by_time: found.add(problem))
    for problem in (*KINDS, *LISTS):
        try:
            checked.pass_the_gate_in_turn(problem)
        except pytest.skip.Exception:
            assert problem in left_to_the_soak_tier(one_in=4)
    return found


def as_in_a_usual_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correctness, "EVERY_OTHER", left_to_the_soak_tier())
    monkeypatch.setattr(correctness, "ALL_BUT_A_QUARTER", left_to_the_soak_tier(one_in=4))


def test_who_is_quick_is_asked_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    as_in_a_usual_session(monkeypatch)
    assert asked(correctness.DEAR_S) == {*KINDS, *LISTS}


def test_whom_it_takes_long_is_asked_every_other_one_and_all_in_the_soak_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    as_in_a_usual_session(monkeypatch)
    assert asked(correctness.DEAR_S + 0.1) == {*KINDS, *LISTS} - left_to_the_soak_tier()
    assert asked(correctness.DEAREST_S + 0.1) == {*KINDS, *LISTS} - left_to_the_soak_tier(one_in=4)
    for name in ("EVERY_OTHER", "ALL_BUT_A_QUARTER"):
        monkeypatch.setattr(correctness, name, frozenset())
    for seconds in (correctness.DEAR_S, correctness.DEAREST_S):
        assert asked(seconds + 0.1) == {*KINDS, *LISTS}


def test_of_several_forms_whom_it_takes_long_is_asked_the_chosen_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correctness, "SOAK", False)
    quick, dear = (checked_backend(correctness.DEAR_S + more, print) for more in (0, 0.1))
    for chosen in (True, False):
        quick.skip_if_dear_but(chosen)
    dear.skip_if_dear_but(True)
    with pytest.raises(pytest.skip.Exception, match="an answer takes"):
        dear.skip_if_dear_but(False)


def test_whom_it_takes_long_has_drawn_enough_when_it_has_passed_some() -> None:
    quick, dear = (checked_backend(correctness.DEAR_S + more, lambda *_, by_time: None) for more in (0, 0.1))
    for number, problem in enumerate(LISTS):
        assert not quick.has_drawn_enough()
        assert dear.has_drawn_enough() == (number >= correctness.DRAWS_OF_DEAR)
        quick.pass_the_gate(problem)
        dear.pass_the_gate(problem)


def test_a_problem_that_failed_is_asked_as_often_as_it_is_made_simpler() -> None:
    """Hypothesis takes a test for broken that fails and does not when it is run on the same draw again."""

    def verify(name: str, problem: Problem, *_: object, by_time: bool) -> None:
        if problem == LISTS[1]:
            raise Ended("wrong", "planted")

    dear = checked_backend(correctness.DEAR_S + 0.1, verify)
    dear.pass_the_gate(LISTS[0])
    with pytest.raises(pytest.fail.Exception, match="planted"):
        dear.pass_the_gate(LISTS[1])
    for problem in LISTS[2:]:
        dear.pass_the_gate(problem)
        assert not dear.has_drawn_enough()


def test_the_kinds_are_judged_by_time_and_the_edges_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def judged() -> set[Problem]:
        found: set[Problem] = set()

        def verify(name: str, problem: Problem, *_: object, by_time: bool) -> None:
            found.update([problem] * by_time)

        checked = checked_backend(0.0, verify)
        for problem in (*kinds(), *LISTS):
            checked.pass_the_gate(problem)
        return found

    monkeypatch.setattr(correctness, "SOAK", False)
    assert judged() == {*kinds(), next(problem for what, problem in one_of_each_cut() if what == "pixels")}
    monkeypatch.setattr(correctness, "SOAK", True)
    assert judged() == {*kinds(), *LISTS}
