"""All that a report computes from one run: each part from the parts before it."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_claims import CLEAN, DESCRIBED, lines_of, write_claims
from make_run import cell, run_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.reading.run import load_run

PROBLEM = "n1c64h28w28-o128"
CELLS = [cell("b", PROBLEM, [1e-3] * 9), cell("a", PROBLEM, [2e-3] * 9), cell("naive", PROBLEM, [9e-3] * 9)]


def test_a_run_is_analysed_under_its_own_ceilings_and_against_the_backend_of_the_rule(tmp_path: Path) -> None:
    run = run_of(tmp_path, CELLS)
    found = analyse(run)
    assert found.run is run
    assert found.baseline == "a"
    assert found.ceilings.peaks["float32", 1] == 100e9
    assert found.timings.set_index("backend")["rank"].to_dict() == {"b": 1, "a": 2, "naive": 3}
    assert found.comparisons["verdict"].tolist() == ["slower", "faster", "faster"]
    (group,) = found.groups
    assert [standing.backend for standing in group.standings] == ["b", "a", "naive"]
    assert [standing.speedup for standing in group.standings[::2]] == pytest.approx([2.0, 2 / 9])
    assert found.gains == []


def test_another_baseline_changes_the_speed_ups_alone(tmp_path: Path) -> None:
    run = run_of(tmp_path, CELLS)
    usual, chosen = analyse(run), analyse(run, "naive")
    assert chosen.baseline == "naive"
    speedups = {standing.backend: standing.speedup for standing in chosen.groups[0].standings if standing.shared}
    assert speedups == pytest.approx({"a": 4.5, "b": 9.0})
    assert chosen.timings.equals(usual.timings)
    assert chosen.comparisons.equals(usual.comparisons)


def test_the_gains_of_a_run_are_those_of_its_claims(tmp_path: Path) -> None:
    found = analyse(load_run(write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)))
    claims = {claim.name: claim for claim in found.run.claims.claims}
    backends = {name: [gain.backend for gain in found.gains if gain.of_one(claim)] for name, claim in claims.items()}
    # The module and its four branches.
    assert backends == {"stride": ["a", "b"], "inception-3a": ["a"] * 5}
