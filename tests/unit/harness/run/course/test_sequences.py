"""What a run measures of passes at its end: of whom, within which time, and that no cell pays for a failure there."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from changed_policy import changed_policy
from simulated_machine import Made, SimulatedMachine, problems, run_of

from pointwise_bench import Problem
from pointwise_bench.backends import registry
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run.course import sequences as module
from pointwise_bench.suites.harness.run.course.sequences import networks_of, reserve_s
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.plan import Plan
from pointwise_bench.suites.harness.run.session import Session

NET = {"net": problems(4)}
MODEL = {"net": {"title": "a model", "multiply_adds": 1, "left_out": []}}
BUDGET_S = 300.0


def three(**changed: Any) -> SimulatedMachine:
    return SimulatedMachine(
        {
            "quick": Made(speed=5e9, in_sequence=1.5) if not changed else Made(speed=5e9, **changed),
            "middle": Made(speed=3e9),
            "numpy-matmul": Made(speed=1e9, in_sequence=1.1),
        }
    )


def found_in(session: Session) -> list[dict[str, Any]]:
    assert session.run_folder is not None
    on_disk: dict[str, Any] = json.loads((session.run_folder.folder / "run.json").read_text())
    found: list[dict[str, Any]] = on_disk.get("in_sequence", [])
    return found


def sequence_lines(machine: SimulatedMachine) -> list[str]:
    return [line for _, line in machine.said if "in sequence" in line]


def test_of_a_network_the_fastest_is_asked_and_then_what_people_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = three()
    session = run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=BUDGET_S)
    found = found_in(session)
    assert [(one["group"], one["threads"], one["backend"]) for one in found] == [
        ("net", 1, "quick"),
        ("net", 1, "numpy-matmul"),
    ]
    alone_s = sum(problem.macs for problem in NET["net"]) / 5e9
    assert found[0]["alone_s"] == pytest.approx([alone_s] * 9, rel=1e-6)
    assert found[0]["sequence_s"] == pytest.approx([1.5 * alone_s] * 9, rel=1e-6)
    assert sequence_lines(machine) == [
        "net in sequence, threads: 1, quick: 1.50 times the sum of its layers alone",
        "net in sequence, threads: 1, numpy-matmul: 1.10 times the sum of its layers alone",
    ]
    assert session.run_folder is not None
    read = load_run(session.run_folder.folder)
    assert read.settings["in_sequence"] == found
    assert read.defects == ()


def test_who_is_both_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine({"numpy-matmul": Made(speed=5e9), "middle": Made(speed=3e9)})
    session = run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=BUDGET_S)
    assert [one["backend"] for one in found_in(session)] == ["numpy-matmul"]


@pytest.mark.parametrize("budget_s", [120.0, 300.0, 900.0])
def test_it_takes_its_share_of_the_time_and_the_run_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget_s: float
) -> None:
    machine = three()
    began = machine.clock.now
    spent: list[float] = []
    asked = module.Sequences.run

    def timed(self: module.Sequences) -> None:
        before = machine.clock.now
        asked(self)
        spent.append(machine.clock.now - before)
        on_disk = json.loads((self._passes.run_folder.folder / "run.json").read_text())
        assert on_disk[module.KEY] == self._run[module.KEY], "whoever is killed behind it has it"
        # So many layers are held by nobody while claims are timed.
        slots: Any = self._passes.pool.slots  # type: ignore[attr-defined]  # as a simulated pool
        assert {slots[one["backend"], 1].client for one in self._run[module.KEY]} == {None}

    monkeypatch.setattr(module.Sequences, "run", timed)
    session = run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=budget_s)
    assert found_in(session)
    (seconds,) = spent
    assert 0 < seconds <= POLICY.sequence.share * budget_s
    assert machine.clock.now - began <= budget_s


def test_time_is_kept_back_for_it_from_a_run_that_settles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its finals take all that they are left, and what the end takes is left to the end."""
    machine = SimulatedMachine({name: Made(speed=2e9) for name in ("a", "numpy-matmul")})
    began, kept_s = machine.clock.now, POLICY.sequence.share * BUDGET_S
    asked = module.Sequences.run

    def run(self: module.Sequences) -> None:
        end_s = self._passes.budget.until_end_s() - self._passes.budget.left_s()
        asked(self)
        assert end_s - kept_s == pytest.approx(self._passes.budget.until_end_s() - self._passes.budget.left_s())
        assert end_s - kept_s >= POLICY.budget.longest_closing_s

    monkeypatch.setattr(module.Sequences, "run", run)
    session = run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=BUDGET_S)
    assert found_in(session)
    assert machine.clock.now - began <= BUDGET_S


@pytest.mark.parametrize(
    ("options", "measured"),
    [
        ({"time_budget_s": 60.0}, False),
        ({"time_budget_s": 60.0, "models": MODEL}, True),
        ({"time_budget_s": BUDGET_S, "cache": "cold"}, False),
        ({}, True),
        ({"in_process": True}, False),
    ],
    ids=str,
)
def test_short_runs_do_without_but_of_a_users_model_and_so_do_cold_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], measured: bool
) -> None:
    session = run_of(three(), tmp_path, monkeypatch, NET, **options)
    assert bool(found_in(session)) is measured


@pytest.mark.parametrize("status", ["crashed", "timed-out", "out-of-memory"])
def test_a_worker_that_ends_there_costs_a_line_and_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: Any
) -> None:
    machine = three(in_sequence=Ended(status, "planted", alive=False))
    began = machine.clock.now
    session = run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=2 * BUDGET_S)
    assert [one["backend"] for one in found_in(session)] == ["numpy-matmul"]
    assert sequence_lines(machine)[0] == f"net in sequence, threads: 1, quick: not measured, {status}: planted"
    assert session.run_folder is not None
    assert session.run_folder.run["finished_at"]
    assert session.run_folder.run["totals"]["cells"] == {"ok": 12}
    assert machine.clock.now - began <= 2 * BUDGET_S


def test_of_many_networks_some_are_measured_and_the_time_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share for each would be too short for anybody."""
    machine = three()
    every = problems(12)
    nets = {f"net-{number}": every[number : number + 1] for number in range(12)}
    session = run_of(machine, tmp_path, monkeypatch, nets, time_budget_s=BUDGET_S)
    found = found_in(session)
    assert len(found) == int(POLICY.sequence.share * BUDGET_S / POLICY.sequence.least_s / POLICY.sequence.asked_share)
    assert {one["backend"] for one in found} == {"quick"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [({"most_occurrences": 3}, "it has 4 layers, more than 3"), ({"share_of_memory": 1e-12}, "its layers take")],
    ids=str,
)
def test_what_is_too_much_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(module, "POLICY", changed_policy(sequence=rule))
    machine = three()
    session = run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=BUDGET_S)
    assert found_in(session) == []
    assert all(f"not measured, {said}" in line for line in sequence_lines(machine))
    assert len(sequence_lines(machine)) == 2


@pytest.mark.parametrize("known", [[{"group": "net", "threads": 1, "backend": "quick"}], [5, None, {"group": []}], []])
def test_what_an_earlier_session_has_measured_is_not_asked_again_and_damage_hurts_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: list[Any]
) -> None:
    asked = module.Sequences.run

    def with_known(self: module.Sequences) -> None:
        self._run[module.KEY] = list(known)
        asked(self)

    monkeypatch.setattr(module.Sequences, "run", with_known)
    session = run_of(three(), tmp_path, monkeypatch, NET, time_budget_s=BUDGET_S)
    more = [one["backend"] for one in found_in(session)[len(known) :]]
    assert more == (["numpy-matmul"] if known and isinstance(known[0], dict) else ["quick", "numpy-matmul"])


# --- whose passes mean something ----------------------------------------------------------------------------------


def plan_of(*places: tuple[str, str, int]) -> Plan:
    plan = Plan()
    for group, problem, count in places:
        plan.add(Problem.parse(problem), 2, "numpy-matmul", Place(group, problem, count))
    return plan


FIRST, SECOND = "n1c8h4w4-o8", "n1c8h4w4-o16"


def test_a_network_has_each_of_its_places_with_its_count() -> None:
    (network,) = networks_of(plan_of(("net", FIRST, 3), ("net", SECOND, 1)))
    assert (network.group, network.threads, network.occurrences) == ("net", 2, 4)
    assert [(planned.problem.id, count) for planned, count in network.layers] == [(FIRST, 3), (SECOND, 1)]
    assert network.bytes == 3 * Problem.parse(FIRST).min_bytes + Problem.parse(SECOND).min_bytes


@pytest.mark.parametrize("group", ["census", "sweep-image", "museum", "basics", "claims"])
def test_what_is_no_network_keeps_nothing_of_a_budget(group: str) -> None:
    plan = plan_of((group, FIRST, 3))
    assert networks_of(plan) == []
    assert reserve_s(plan, Options(), BUDGET_S) == 0
    assert reserve_s(plan_of(("net", FIRST, 3)), Options(), BUDGET_S) == POLICY.sequence.share * BUDGET_S


class Cells(dict[Any, Any]):
    """As :class:`CellFile`: cells by their keys, and those that failed."""

    def __init__(self, those_that_failed: set[Any], **medians: dict[str, float]) -> None:
        super().__init__(
            ((name, problem, 2), SimpleNamespace(samples_s=[0.0, one_s, 9.0]))
            for name, own in medians.items()
            for problem, one_s in own.items()
        )
        self.failed = those_that_failed


def test_a_total_counts_occurrences_and_is_of_who_has_a_valid_time_of_every_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = Plan()
    for problem, count in ((FIRST, 3), (SECOND, 1)):
        for name in ("whole", "part", "failed", *(["elsewhere"] if problem == FIRST else [])):
            plan.add(Problem.parse(problem), 2, name, Place("net", problem, count))
    cells: Any = Cells(
        {("failed", SECOND, 2)},
        whole={FIRST: 1.0, SECOND: 2.0},
        part={FIRST: 0.1},
        failed={FIRST: 0.1, SECOND: 0.1},
        elsewhere={FIRST: 0.1, SECOND: 0.1},
    )
    monkeypatch.setattr(registry, "get", lambda name: SimpleNamespace(device="cpu", arithmetic="own"))
    (network,) = networks_of(plan)
    assert network.totals(cells) == {"whole": 5.0}


@pytest.mark.parametrize("other", [{"device": "cuda"}, {"arithmetic": "tf32"}], ids=str)
def test_who_computes_elsewhere_or_less_exactly_is_not_the_fastest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, str]
) -> None:
    """The report compares neither with a backend on the processor, of whose total a pass is said."""
    machine, usual = three(), SimulatedMachine.backend

    def backend(name: str) -> Any:
        found = usual(machine, name)
        vars(found).update(other if name == "quick" else {})
        return found

    monkeypatch.setattr(machine, "backend", backend)
    session = run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=BUDGET_S)
    assert [one["backend"] for one in found_in(session)] == ["middle", "numpy-matmul"]


def test_a_network_with_a_gradient_has_no_pass_of_this_kind() -> None:
    assert networks_of(plan_of(("net", FIRST, 1), ("net", f"{FIRST}-backward-input", 1))) == []
