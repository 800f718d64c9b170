"""A run proves its verdicts by its own leader, for a small part of its time. On a machine that is made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulated_machine import Made, SimulatedMachine, problems, run_of

from pointwise_bench.suites.harness.design.controls import CONTROLS
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.run.session import Session

CLOSE = {"a": Made(speed=2e9), "b": Made(speed=1.97e9), "far": Made(speed=5e8)}
"""So that calls take a third of a millisecond and more, and the first two stay a close call."""


NET = {"net": problems(6)}
"""Twice as many as are measured with controls: what finals cost grows with the number of layers, and shows no more."""


def controls(session: Session) -> list[dict[str, object]]:
    assert session.run_folder is not None
    path = session.run_folder.folder / "controls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def unsettled(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimulatedMachine, Session]:
    """A run that never settles, between two that are alike."""
    machine = SimulatedMachine({"a": Made(speed=2e9), "b": Made(speed=2e9)})
    with pytest.MonkeyPatch.context() as patched:
        return machine, run_of(machine, tmp_path_factory.mktemp("unsettled"), patched, NET, time_budget_s=600.0)


def test_the_leader_runs_under_other_names_in_the_rounds_of_the_finals(
    unsettled: tuple[SimulatedMachine, Session],
) -> None:
    _, session = unsettled
    found = controls(session)
    assert {cell["backend"] for cell in found} == {control.name for control in CONTROLS}
    assert len({cell["problem"] for cell in found}) == POLICY.controls.problems
    assert session.run_folder is not None
    stands_for = session.run_folder.run["controls"]["backend"]
    assert stands_for in ("a", "b")
    for cell in found:
        own = next(
            one for one in session.run_folder.cells if (one.backend, one.problem) == (stands_for, cell["problem"])
        )
        assert set(cell["round"]) <= set(own.round), "they are paired with the backend itself"  # type: ignore[call-overload]
    assert not any(cell.backend.startswith("control") for cell in session.run_folder.cells)


def test_the_known_difference_is_in_their_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steady = {name: Made(one.speed, start_sd=0.0, round_sd=0.001) for name, one in CLOSE.items()}
    machine = SimulatedMachine(steady)
    found = controls(run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=600.0))
    if not found:  # everything was settled by the screening
        pytest.fail("no finals, so no controls")
    by_problem: dict[object, dict[object, float]] = {}
    for cell in found:
        by_problem.setdefault(cell["problem"], {})[cell["backend"]] = sum(cell["samples_s"]) / len(cell["samples_s"])  # type: ignore[arg-type, call-overload]
    for seconds in by_problem.values():
        assert seconds["control-slower-by-3"] / seconds["control-same"] == pytest.approx(1.03, abs=0.005)
        assert seconds["control-slower-by-5"] / seconds["control-same"] == pytest.approx(1.05, abs=0.005)


def test_a_short_run_has_no_time_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SimulatedMachine(CLOSE)
    session = run_of(machine, tmp_path, monkeypatch, NET, time_budget_s=40.0)
    assert controls(session) == []


def test_they_take_their_share_of_the_time_at_most(unsettled: tuple[SimulatedMachine, Session]) -> None:
    """By what their workers took to start and by their rounds, in a run that never settles."""
    machine, _ = unsettled
    starts = sum(name.startswith("control") for name in machine.started)
    assert 0 < starts * 2 / 2 <= POLICY.controls.share * 600  # a second to start, one of first problems, two cores
