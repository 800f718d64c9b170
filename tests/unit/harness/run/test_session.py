"""Passes over a plan, and how a killed run is resumed. Workers and ceilings are scripted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from changed_policy import changed_policy

from pointwise_bench.backends import Problem, registry
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.machine.project_version import project_version
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.record.run_folder import RunFolder, newest_unfinished
from pointwise_bench.suites.harness.run import passes as passes_module, session as session_module
from pointwise_bench.suites.harness.run.options import BadOption, Options
from pointwise_bench.suites.harness.run.session import Session
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.timed_layer import Finish, SetUp
from pointwise_bench.suites.harness.worker.pool import WorkerSlot

BACKENDS = ("naive-loops", "numpy-matmul")
PROBLEMS = [Problem(batch=batch, in_channels=8, out_channels=8, height=4, width=4) for batch in (1, 2)]


class Killed(BaseException):
    """An exception that no part of the harness handles."""


class ScriptedClient:
    """Times that tell the backends apart, or not."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.seconds = seconds

    def refuses(self, problem: Problem, timeout_s: float) -> None:
        """Nothing."""

    def set_up(self, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        """A pass."""
        return SetUp(0.1, 0.01, 1e-3, 1.0, 0.25)

    isolation = "worker"

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """At rest."""
        return 0.0

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """One round."""
        return Turn(self.seconds(), 1.0, 1.0, None)

    def finish(self, timeout_s: float) -> Finish:
        """Another pass."""
        return Finish(0.5, 10**8)


class ScriptedPool:
    """As :class:`Pool`, without a process; raises :class:`Killed` when it has served ``until`` slots."""

    speeds: dict[str, Callable[[], float]]
    served: list[tuple[str, int]]
    until: int | None

    def __init__(self, logs: Path, *, starts: int = 0, **keywords: Any) -> None:
        self._starts = starts
        self._slots: dict[str, WorkerSlot] = {}

    def slot(self, name: str, threads: int) -> WorkerSlot:
        """A slot with its client."""
        if len(self.served) == self.until:
            raise Killed
        slot = self._slots.setdefault(name, WorkerSlot(registry.get(name), threads, starts=self._starts))
        if slot.client is None:
            client: Any = ScriptedClient(self.speeds[name])
            slot.client = client
            slot.starts += 1
        self.served.append((name, slot.starts - 1))
        return slot

    def dismiss(self, slot: WorkerSlot) -> None:
        """A new client when it is next needed."""
        slot.client = None

    def restart(self) -> None:
        """New clients."""
        for slot in self._slots.values():
            slot.client = None

    def occupied(self) -> tuple[WorkerSlot, ...]:
        """None that could be asked for its libraries."""
        return ()

    close = restart


class ScriptedMeters:
    """No ceilings."""

    cost_s = 0.0

    def __init__(self, *arguments: Any) -> None:
        pass

    def read(self, phase: str) -> list[dict[str, Any]]:
        """None."""
        return []

    def close(self) -> None:
        """Nothing to do."""


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedPool]:
    """The scripted parts; two backends that are easily told apart."""
    monkeypatch.setattr(ScriptedPool, "speeds", {BACKENDS[0]: lambda: 2e-3, BACKENDS[1]: lambda: 1e-3}, raising=False)
    monkeypatch.setattr(ScriptedPool, "served", [], raising=False)
    monkeypatch.setattr(ScriptedPool, "until", None, raising=False)
    monkeypatch.setattr(passes_module, "Pool", ScriptedPool)
    monkeypatch.setattr(session_module, "CeilingMeters", ScriptedMeters)
    return ScriptedPool


def planned(results: Path, **options: Any) -> Session:
    session = Session(Options(results=results, seed=1, **options), lambda line: None)
    for problem in PROBLEMS:
        for name in BACKENDS:
            session.plan(problem, 1, name, Place("a group", problem.id))
    return session


def undecided() -> dict[str, Callable[[], float]]:
    """Two backends whose rounds contradict each other."""
    numbers = iter(range(10**9))
    return {BACKENDS[0]: lambda: 1e-3 * (1.5 if next(numbers) % 2 else 1.0), BACKENDS[1]: lambda: 1.2e-3}


def kill_after(results: Path, slots: int) -> RunFolder:
    """What is on disk of a run whose process was killed when so many slots had been served."""
    ScriptedPool.until = slots
    with pytest.raises(Killed):
        planned(results).cell(PROBLEMS[0], 1, BACKENDS[0])
    ScriptedPool.until = None
    ScriptedPool.served.clear()
    run_folder = newest_unfinished(results, environment.machine())
    assert run_folder is not None
    return run_folder


def resume(results: Path) -> Session:
    session = planned(results)
    session.resume()
    for problem in PROBLEMS:
        for name in BACKENDS:
            assert session.cell(problem, 1, name).status == "ok"
    session.finish()
    assert session.run_folder is not None
    assert session.run_folder.run["finished_at"]
    return session


def starts_of(session: Session, problem: Problem, name: str) -> list[int]:
    return list(dict.fromkeys(session.cell(problem, 1, name).process))


def test_every_pass_starts_every_worker_and_covers_every_problem(tmp_path: Path, pool: type[ScriptedPool]) -> None:
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert pool.served == [
        (name, start) for start in range(POLICY.rounds.passes) for _ in PROBLEMS for name in BACKENDS
    ]
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


@pytest.mark.parametrize("slots", range(4 * POLICY.rounds.passes))
def test_a_resumed_run_runs_what_is_missing_in_workers_with_new_numbers(
    tmp_path: Path, pool: type[ScriptedPool], slots: int
) -> None:
    """A process that was killed and its successor are two starts: with one number they would count as one."""
    run_folder = kill_after(tmp_path, slots)
    done = len(run_folder.checkpoint)
    assert done == slots // 2
    session = resume(tmp_path)
    assert len(pool.served) == 2 * (len(PROBLEMS) * POLICY.rounds.passes - done)
    for problem in PROBLEMS:
        for name in BACKENDS:
            assert len(starts_of(session, problem, name)) == POLICY.rounds.passes


def test_a_resumed_run_takes_no_further_pass_over_what_was_decided(tmp_path: Path, pool: type[ScriptedPool]) -> None:
    """Killed between the last part and the cells."""
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert session.run_folder is not None
    (session.run_folder.folder / "cells.jsonl").write_text("")
    pool.served.clear()
    resume(tmp_path)
    assert pool.served == []


def test_no_backend_is_timed_on_without_those_that_are_written_already(
    tmp_path: Path, pool: type[ScriptedPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the cells of an undecided problem were being written, with passes to go."""
    pool.speeds = undecided()
    with monkeypatch.context() as patch:
        patch.setattr(passes_module, "POLICY", changed_policy(rounds={"most_passes": 3}))
        session = planned(tmp_path)
        session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert session.run_folder is not None
    path = session.run_folder.folder / "cells.jsonl"
    first, *_ = path.read_text().splitlines(keepends=True)
    path.write_text(first)
    pool.served.clear()
    resumed = resume(tmp_path)
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
        return SetUp(0.1, 0.01, 1e-3, 1.0, 0.25)

    monkeypatch.setattr(ScriptedClient, "set_up", set_up)


@pytest.mark.usefixtures("hung_later")
def test_a_backend_that_lacks_the_time_once_keeps_its_samples(tmp_path: Path) -> None:
    session = planned(tmp_path, time_budget_s=30.0)
    cells = [session.cell(problem, 1, BACKENDS[0]) for problem in PROBLEMS]
    assert [cell.status for cell in cells] == ["ok", "ok"]
    assert {process for cell in cells for process in cell.process} == {0}


@pytest.mark.usefixtures("hung_later")
def test_a_backend_that_has_all_the_time_and_hangs_once_has_failed(tmp_path: Path) -> None:
    session = planned(tmp_path)
    assert "timed-out" in [session.cell(problem, 1, BACKENDS[0]).status for problem in PROBLEMS]


def test_no_pass_begins_that_cannot_start_its_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start takes a tenth of a second here, and behind the last one of them 0.15 s are left."""
    budgets: list[TimeBudget] = []
    init = TimeBudget.__init__

    def noting(self: TimeBudget, *arguments: Any) -> None:
        init(self, *arguments)
        budgets.append(self)

    def set_up(self: ScriptedClient, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        time.sleep(0.1)
        left_s = budgets[0].left_s()
        if left_s > 0.15:
            budgets[0].closing_s += left_s - 0.15
        return SetUp(0.1, 0.01, 1e-3, 1.0, 0.25)

    monkeypatch.setattr(TimeBudget, "__init__", noting)
    monkeypatch.setattr(ScriptedClient, "set_up", set_up)
    session = planned(tmp_path, time_budget_s=30.0)
    assert set(session.cell(PROBLEMS[0], 1, BACKENDS[0]).process) == {0}


# --- by which rules -----------------------------------------------------------------------------------------------


def test_a_run_says_by_which_policy_and_by_which_version_it_was_measured(tmp_path: Path) -> None:
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert session.run_folder is not None
    on_disk = json.loads((session.run_folder.folder / "run.json").read_text())
    assert on_disk["policy"] == POLICY.written()
    assert on_disk["project"] == project_version()


def test_a_run_of_another_policy_is_not_resumed_and_the_field_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_folder = kill_after(tmp_path, 3)
    monkeypatch.setattr(session_module, "POLICY", changed_policy(rounds={"turn_s": 0.002}))
    with pytest.raises(BadOption) as refused:
        planned(tmp_path).resume()
    assert str(refused.value) == (
        f"--resume: policy rounds.turn_s differs from the run in {run_folder.folder}: 0.004 there, 0.002 now"
    )


@pytest.mark.parametrize("damaged", [None, 5, [], {}])
def test_a_run_that_does_not_say_by_which_policy_is_not_resumed(tmp_path: Path, damaged: Any) -> None:
    """It was begun by an earlier version, or its file is damaged."""
    path = kill_after(tmp_path, 3).folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"policy": damaged}))
    with pytest.raises(BadOption, match=r"policy rounds\.turn_s differs .*: None there, 0\.004 now"):
        planned(tmp_path).resume()
