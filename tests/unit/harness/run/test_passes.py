"""One trial of a pass: what is kept of it, what is learnt from it, and the cells. Clients are scripted."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulated_machine import CANARY_S, CASES_S, Made, SimulatedMachine, problems, run_of

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.state.nearness import Nearness
from pointwise_bench.suites.harness.record.costs_file import load

STEADY = {"start_sd": 0.0, "round_sd": 0.0}


def test_what_backends_cost_is_learnt_and_kept_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Starts and first problems apart from what every problem takes."""
    machine = SimulatedMachine(
        {"a": Made(start_s=0.5, first_s=3.0, prepare_s=0.1, check_s=0.1, alone_s=0.2), "b": Made(speed=1e10)}, cores=1
    )
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(12)}, time_budget_s=60.0)
    assert session.run_folder is not None
    found = load(session.run_folder.folder.parent)[0]["a", 1]
    assert found.start_s == pytest.approx(0.5, rel=0.1)
    assert found.first_s == pytest.approx(3.0, rel=0.4)
    assert found.untimed_s == pytest.approx(0.2, rel=0.3)
    assert found.alone_s == pytest.approx(0.2, rel=0.3)
    assert found.multiply_adds_per_s == pytest.approx(5e10, rel=0.1)


def test_what_a_problem_takes_beside_its_backends_is_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pointwise_bench.suites.harness.design.costs import CostBook

    books: list[CostBook] = []
    init = CostBook.__init__

    def noting(self: CostBook, *arguments: object, **keywords: object) -> None:
        init(self, *arguments, **keywords)  # type: ignore[arg-type]
        books.append(self)

    monkeypatch.setattr(CostBook, "__init__", noting)
    machine = SimulatedMachine({"a": Made(), "b": Made(speed=1e10)})
    run_of(machine, tmp_path, monkeypatch, {"net": problems(40)}, time_budget_s=120.0)
    beats_s = POLICY.screening.rounds * CANARY_S  # nobody's turns and nobody's steps, and so the problem's
    assert books[0].problem_s == pytest.approx(CASES_S + beats_s, abs=0.03)


def test_passes_are_recorded_with_their_numbers_and_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine({"a": Made(speed=5e10), "b": Made(speed=4.95e10), "far": Made(speed=1e10)})
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(5)}, time_budget_s=60.0)
    assert session.run_folder is not None
    passes = session.run_folder.run["passes"]
    assert [each["number"] for each in passes] == list(range(len(passes)))
    assert passes[0]["problems"] == 5
    assert session.run_folder.run["course"] == "screening"


def test_who_prepares_for_long_does_not_begin_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four short preparations and one as long as all of them share two cores evenly if the long one is first."""
    short = Made(prepare_s=0.1, check_s=0.0, first_s=0.0)
    field = dict.fromkeys("abcd", short) | {"z": Made(prepare_s=0.4, check_s=0.0, first_s=0.0, speed=1e10)}
    machine = SimulatedMachine(field)
    run_of(machine, tmp_path, monkeypatch, {"net": problems(30)}, time_budget_s=40.0)
    assert machine.untimed_s / machine.beside_s > 1.6  # 0.8 s in 0.4 s, and not in 0.6 s


def test_workers_that_fill_the_cores_by_themselves_answer_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for their first problem, on which they import and compile, most of it on one thread."""
    field = dict.fromkeys("ab", Made(prepare_s=0.4, check_s=0.0, first_s=0.0))
    machine = SimulatedMachine(field)
    run_of(machine, tmp_path, monkeypatch, {"net": problems(20)}, threads=2, time_budget_s=80.0)
    assert 1.0 < machine.untimed_s / machine.beside_s < 1.2


@pytest.mark.parametrize(("threads", "looks"), [(1, False), (2, True)])
def test_the_distance_of_cores_is_looked_at_where_there_are_several(
    threads: int, looks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[list[int]] = []
    begun: list[Nearness] = []

    def hop_s(cores: list[int]) -> float:
        looked.append(cores)
        return 4e-8

    monkeypatch.setattr(Nearness, "begin", lambda nearness: begun.append(nearness))  # noqa: PLW0108  # a function, to be a method
    machine = SimulatedMachine(dict.fromkeys("ab", Made()), nearness=Nearness(hop_s))
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(2)}, threads=threads, time_budget_s=30.0)
    assert session.run_folder is not None
    assert (bool(looked), bool(begun), "core_distance" in session.run_folder.run) == (looks, looks, looks)
