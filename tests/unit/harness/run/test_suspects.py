"""Backends that were wrong in one of many calls: who is suspected, where it is searched, and how its cells end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simulated_machine import Made, MadeClient, SimulatedMachine, problems, run_of

from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.run.suspects import STRAYS, Suspects
from pointwise_bench.suites.harness.run.trial import TrialResult
from pointwise_bench.suites.harness.timing.held_clock import WRONG_CLOCK
from pointwise_bench.suites.harness.verify import gate

NOW_AND_THEN = Ended("wrong", f"wrong {gate.ONE_OF_MANY}: the last row is lost")
OTHERS = (
    Ended("wrong", "wrong on small integers: the result is all zeros"),
    Ended("crashed", f"turn: it last wrote: wrong {gate.ONE_OF_MANY}"),
    Ended("failed", f"crashed, saying {WRONG_CLOCK}"),
)
PROBLEM, LATER = ("n1c8h4w4-o8", 1), ("n1c16h4w4-o8", 1)


def part(backend: str) -> PassSamples:
    return PassSamples(backend, process=0, started_at="")


def never() -> Ended | None:
    raise AssertionError("nobody is searched")


@pytest.mark.parametrize("where", [gate.LAST_CALL, gate.A_TIMED_CALL, gate.ONE_OF_MANY])
def test_who_is_found_wrong_once_it_was_timed_is_suspected(where: str) -> None:
    suspects, ended = Suspects(), Ended("wrong", f"wrong {where}: one element")
    suspects.note_trial(PROBLEM, (), TrialResult(ended=[(part("a"), ended)]))
    assert suspects.names() == {"a"}
    assert suspects.end_of(("a", *LATER), lambda: ended) is ended
    assert suspects.end_of(("a", *LATER), lambda: None) is None
    assert suspects.end_of(("b", *LATER), never) is None


def test_who_keeps_its_results_back_is_suspected_and_who_ends_otherwise_is_not() -> None:
    suspects = Suspects()
    suspects.note_trial(PROBLEM, (), TrialResult(ended=[(part(f"other-{n}"), one) for n, one in enumerate(OTHERS)]))
    assert not suspects.names()
    suspects.note_trial(PROBLEM, (), TrialResult(ended=[(part("a"), Ended("wrong", f"{gate.KEPT_BACK}: of 166"))]))
    assert suspects.names() == {"a"}


def test_whose_clock_was_wrong_on_one_problem_is_suspected_on_all() -> None:
    suspects, ended = Suspects(), Ended("wrong", f"{WRONG_CLOCK}: a turn of 9 calls took 1 s by it, 2 s by the other")
    suspects.note_trial(PROBLEM, (), TrialResult(ended=[(part("a"), ended)]))
    assert suspects.names() == {"a"}
    assert suspects.end_of(("a", *LATER), lambda: ended) is ended


def test_who_came_through_a_search_is_not_searched_there_again() -> None:
    suspects = Suspects()
    suspects.note_strays({"a"})
    suspects.note_trial(PROBLEM, suspects.names(), TrialResult(parts=[part("a"), part("b")]))
    assert suspects.end_of(("a", *PROBLEM), never) is None
    assert suspects.end_of(("a", *LATER), lambda: NOW_AND_THEN) is NOW_AND_THEN


def test_without_time_for_a_search_there_is_no_time_published() -> None:
    suspects = Suspects()
    suspects.note_strays(["a"])
    ended = suspects.end_of(("a", *PROBLEM), lambda: Hurried("set_up: no answer"))
    assert ended is not None
    assert (ended.status, ended.reason) == ("failed", f"{STRAYS}, and no time was left to see whether it is here")


def test_suspicions_of_an_earlier_session_hold() -> None:
    def cell(backend: str, ended: Ended) -> Cell:
        own: dict[str, Any] = {"backend": backend, "status": ended.status, "reason": ended.reason}
        return Cell(**own, problem="n1c8h4w4-o8", threads=1, group="", name="", count=1, device="cpu", output="fresh",
                    isolation="worker", started_at="")  # fmt: skip

    assert Suspects([cell("a", NOW_AND_THEN), cell("b", OTHERS[0])]).names() == {"a"}


@pytest.mark.parametrize("options", [{}, {"time_budget_s": 60.0}])
def test_no_cell_of_a_run_is_timed_where_a_search_finds_what_was_found_elsewhere(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows on the third problem at once, and on the others when it is searched for."""
    rare, passed = Made(), list[str]()
    machine, usual = SimulatedMachine({"right": Made(), "now-and-then": rare}), MadeClient.check_answers

    def check_answers(self: MadeClient, timeout_s: float, *, thorough: bool = False) -> None:
        usual(self, timeout_s)
        assert self._made is rare or not thorough
        if self._made is rare and (thorough or len(passed) == 2):
            raise NOW_AND_THEN
        passed.extend(["now and then"] * (self._made is rare))

    monkeypatch.setattr(MadeClient, "check_answers", check_answers)
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(5)}, **options)
    assert session.run_folder is not None
    found = sorted((cell.backend, cell.status, cell.samples_s == []) for cell in session.run_folder.cells)
    assert found == [("now-and-then", "wrong", True)] * 5 + [("right", "ok", False)] * 5
