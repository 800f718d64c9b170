"""The harness keeps no cell in memory: a run of ten thousand needs hardly more than one of ten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

CELLS = 500
CELLS_OF_CONTROL = 200  # which must outgrow in this many what the harness is allowed in all
BOUND_MIB_PER_CELL = 50 / 10_000


@pytest.fixture
def experiment() -> str:
    return (ROOT / "docs/experiments/memory.py").read_text()


def growth_mib(program: str, results: Path, cells: int = CELLS) -> float:
    """MiB between a first small run and the end of a larger one, in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(cells), str(results)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["cells"] == cells
    return float(found["growth_mib"])


def test_the_harness_stays_as_small_as_it_began(experiment: str, tmp_path: Path) -> None:
    assert growth_mib(experiment, tmp_path) <= BOUND_MIB_PER_CELL * CELLS


def test_a_harness_that_keeps_its_legs_is_caught(experiment: str, tmp_path: Path) -> None:
    """The control: the bound is below what the parts themselves take."""
    fault = """
from pointwise_bench.suites.harness.record.checkpoint import Checkpoint
kept, append = [], Checkpoint.append
Checkpoint.append = lambda self, key, number, parts: (kept.append(parts), append(self, key, number, parts))
"""
    faulty = experiment.replace("\nif __name__", f"{fault}\nif __name__")
    assert growth_mib(faulty, tmp_path, CELLS_OF_CONTROL) > BOUND_MIB_PER_CELL * CELLS
