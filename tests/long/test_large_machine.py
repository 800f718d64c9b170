"""The plan of a large run holds, and untimed work uses every core: sixteen of them, forty backends, made up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from no_glances import no_glances
from simulated_machine import Made, SimulatedMachine, problems, run_of
from soak import SOAK

from pointwise_bench.suites.harness.design.policy import POLICY

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


COUNT, SECONDS = (500, 3600.0) if SOAK else (60, 450.0)
"""Problems on which everybody meets within an hour, or a sample of both."""


@pytest.fixture(autouse=True)
def only_turns_that_are_scripted() -> Iterator[None]:
    """See :func:`no_glances`."""
    with no_glances():
        yield


def test_the_plan_holds_and_untimed_work_is_shared_among_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimulatedMachine(FIELD, cores=CORES, sized=True)
    run_of(machine, tmp_path, monkeypatch, {"net": problems(20)}, time_budget_s=300.0)  # the costs are known then
    began, untimed_s, beside_s = machine.clock.now, machine.untimed_s, machine.beside_s
    machine.said.clear()
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(COUNT)}, time_budget_s=SECONDS)
    assert session.run_folder is not None
    assert len(session.run_folder.cells) == COUNT * BACKENDS
    assert (machine.untimed_s - untimed_s) / (machine.beside_s - beside_s) >= 8
    assert machine.clock.now - began <= SECONDS
    foreseen_s = float(re.search(r"in about (\d+) s", _line(machine, "plan: ")).group(1))  # type: ignore[union-attr]
    ended = next(at for at, line in machine.said if line.startswith(f"[screening, {COUNT}/{COUNT}]"))
    started = [at for at, line in machine.said if line.startswith("plan: ")][-1]
    assert ended - started == pytest.approx(foreseen_s, rel=0.1)


def test_half_of_the_time_is_used_up_and_everybody_gets_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not everybody fits everywhere, four go on to all problems; the others had no more than their scouts.

    Of half an hour 23 minutes were left over, as the four were told apart at once.
    """
    seconds = SECONDS / 2 if SOAK else SECONDS / 3
    machine = SimulatedMachine(FIELD, cores=CORES, sized=True)
    run_of(machine, tmp_path, monkeypatch, {"net": problems(20)}, time_budget_s=300.0)
    began = machine.clock.now
    session = run_of(machine, tmp_path, monkeypatch, {"net": problems(COUNT)}, time_budget_s=seconds)
    assert 0.9 * seconds <= machine.clock.now - began <= seconds
    assert session.run_folder is not None
    cells = session.run_folder.cells
    everywhere = [name for name in FIELD if sum(cell.backend == name for cell in cells) == COUNT]
    assert "b00" in everywhere
    assert POLICY.screening.fewest_near <= len(everywhere) < BACKENDS
    assert len(cells) > COUNT * BACKENDS / 2


def _line(machine: SimulatedMachine, begin: str) -> str:
    return [line for _, line in machine.said if line.startswith(begin)][-1]
