"""The plan of a large run holds, and untimed work uses every core: sixteen of them, forty backends, made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from simulated_machine import Made, SimulatedMachine, problems, run_of
from soak import SOAK

CORES, BACKENDS = 16, 40

# Costs as they were measured on the reference machine: most backends alike, a few that compile for every problem.
FIELD = {
    f"b{number:02}": Made(
        speed=2e11 if number == 0 else 5e10,  # settled by the screening: what is planned is what is measured
        prepare_s=0.4 if number % 10 == 9 else 0.05,
        check_s=0.03,
        alone_s=0.04,
        first_s=0.5 + number % 5,
    )
    for number in range(BACKENDS)
}


COUNT = 500 if SOAK else 60
"""Problems in half an hour, or a sample of them in a quarter of it."""


def test_the_plan_holds_and_untimed_work_is_shared_among_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, seconds = COUNT, 1800.0 if SOAK else 450.0
    machine = SimulatedMachine(FIELD, cores=CORES)
    run_of(machine, tmp_path, monkeypatch, {"net": problems(20)}, time_budget_s=300.0)  # the costs are known then
    began, untimed_s, beside_s = machine.clock.now, machine.untimed_s, machine.beside_s
    machine.said.clear()
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(count)}, time_budget_s=seconds)
    assert session.run_folder is not None
    assert len(session.run_folder.cells) == count * BACKENDS
    assert (machine.untimed_s - untimed_s) / (machine.beside_s - beside_s) >= 8
    assert machine.clock.now - began <= seconds
    foreseen_s = float(re.search(r"in about (\d+) s", _line(machine, "plan: ")).group(1))  # type: ignore[union-attr]
    ended = next(at for at, line in machine.said if line.startswith(f"[screening, {count}/{count}]"))
    started = [at for at, line in machine.said if line.startswith("plan: ")][-1]
    assert ended - started == pytest.approx(foreseen_s, rel=0.1)


def _line(machine: SimulatedMachine, begin: str) -> str:
    return [line for _, line in machine.said if line.startswith(begin)][-1]
