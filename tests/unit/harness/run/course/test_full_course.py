"""Pass after pass over a plan: who is started, what is looked at again, and what a time budget leaves out."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from changed_policy import changed_policy
from scripted_run import BACKENDS, PROBLEMS, ScriptedClient, ScriptedPool, planned, script, starts_of, undecided

from pointwise_bench.backends import Problem
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run.course import full_course
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.timing.judge import SetUp


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedPool]:
    return script(monkeypatch)


def test_every_pass_starts_every_worker_and_covers_every_problem(tmp_path: Path, pool: type[ScriptedPool]) -> None:
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    # Within a trial, who prepares for longest comes first.
    expected = [(name, start) for start in range(POLICY.rounds.passes) for _ in PROBLEMS for name in BACKENDS]
    assert sorted(pool.served) == sorted(expected)
    assert [start for _, start in pool.served] == [start for _, start in expected]
    assert starts_of(session, PROBLEMS[1], BACKENDS[1]) == list(range(POLICY.rounds.passes))


def test_what_stays_undecided_is_looked_at_again_until_there_were_enough_passes(
    tmp_path: Path, pool: type[ScriptedPool]
) -> None:
    pool.speeds = undecided()
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert starts_of(session, PROBLEMS[0], BACKENDS[0]) == list(range(POLICY.rounds.most_passes))
    assert session.run_folder is not None
    assert session.run_folder.run["undecided"] == {"pairs": 2, "problems": 2}


def test_no_backend_is_timed_on_without_those_that_are_written_already(
    tmp_path: Path, pool: type[ScriptedPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the cells of an undecided problem were being written, with passes to go."""
    pool.speeds = undecided()
    with monkeypatch.context() as patch:
        patch.setattr(full_course, "POLICY", changed_policy(rounds={"most_passes": 3}))
        session = planned(tmp_path)
        session.cell(PROBLEMS[0], 1, BACKENDS[0])
    session.release()
    assert session.run_folder is not None
    path = session.run_folder.folder / "cells.jsonl"
    first, *_ = path.read_text().splitlines(keepends=True)
    path.write_text(first)
    pool.served.clear()
    resumed = planned(tmp_path)
    resumed.resume()
    resumed.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert path.read_text().startswith(first)
    other = next(name for name in BACKENDS if name != json.loads(first)["backend"])
    problem = Problem.parse(json.loads(first)["problem"])
    assert starts_of(resumed, problem, other) == list(range(POLICY.rounds.passes))


# --- a time budget ------------------------------------------------------------------------------------------------


@pytest.fixture
def hung_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its second start on the slower backend takes longer than a time budget has."""
    asked: list[str] = []

    def set_up(self: ScriptedClient, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        if self.seconds() > 1.5e-3:
            asked.append(cases.problem.id)
            if len(asked) > len(PROBLEMS):
                raise Ended("timed-out", f"no answer within {timeout_s:g} s", alive=False)
        return SetUp(0.1, 0.01, 0.25)

    monkeypatch.setattr(ScriptedClient, "set_up", set_up)


@pytest.mark.usefixtures("hung_later")
def test_a_backend_that_lacks_the_time_once_keeps_its_samples(tmp_path: Path) -> None:
    session = planned(tmp_path, time_budget_s=30.0, full=True)
    cells = [session.cell(problem, 1, BACKENDS[0]) for problem in PROBLEMS]
    assert [cell.status for cell in cells] == ["ok", "ok"]
    assert {process for cell in cells for process in cell.process} == {0}


@pytest.mark.usefixtures("hung_later")
def test_a_backend_that_has_all_the_time_and_hangs_once_has_failed(tmp_path: Path) -> None:
    session = planned(tmp_path)
    assert "timed-out" in [session.cell(problem, 1, BACKENDS[0]).status for problem in PROBLEMS]


def test_no_pass_begins_that_cannot_start_its_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start takes three tenths of a second here, and behind the last one of them 0.15 s are left."""
    budgets: list[TimeBudget] = []
    init = TimeBudget.__init__

    def noting(self: TimeBudget, *arguments: Any) -> None:
        init(self, *arguments)
        budgets.append(self)

    def set_up(self: ScriptedClient, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        time.sleep(0.3)
        left_s = budgets[0].left_s()
        if left_s > 0.15:
            budgets[0].closing_s += left_s - 0.15
        return SetUp(0.1, 0.01, 0.25)

    monkeypatch.setattr(TimeBudget, "__init__", noting)
    monkeypatch.setattr(ScriptedClient, "set_up", set_up)
    session = planned(tmp_path, time_budget_s=30.0, full=True)
    assert set(session.cell(PROBLEMS[0], 1, BACKENDS[0]).process) == {0}


def test_the_time_in_which_workers_start_counts_for_the_next_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They start beside each other, before the first trial: 1.5 s here, and 1.3 s are left behind that."""
    passes: list[Passes] = []
    init = Passes.__init__

    def noting(self: Passes, *arguments: Any) -> None:
        init(self, *arguments)
        passes.append(self)

    def start(self: ScriptedPool, wanted: Any) -> dict[tuple[str, int], float]:
        time.sleep(1.5)
        passes[0].budget.closing_s += passes[0].budget.left_s() - 1.3
        return {}

    monkeypatch.setattr(Passes, "__init__", noting)
    monkeypatch.setattr(ScriptedPool, "start", start)
    # Turns are made up and take no time; what they say that they took is not to be taken off.
    monkeypatch.setattr(ScriptedPool, "speeds", dict.fromkeys(BACKENDS, lambda: 1e-9))
    planned(tmp_path, time_budget_s=30.0, full=True).cell(PROBLEMS[0], 1, BACKENDS[0])
    assert [each["number"] for each in passes[0].run_folder.run["passes"]] == [0]
