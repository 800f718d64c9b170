"""Which cells of a run are compared, with whom, and what is said of the pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from make_run import cell, write_run

from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.health import warnings
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.reading.run import load_run

PROBLEM = "n1c64h28w28-o128"


def test_in_process_cells_are_not_compared(tmp_path: Path) -> None:
    steady = np.full(31, 1e-3)
    cells = [cell("a", PROBLEM, steady), cell("b", PROBLEM, steady * 2, isolation="in-process")]
    run = load_run(write_run(tmp_path, cells))
    assert compare_run(run).empty


def test_a_reduced_precision_is_compared_with_nobody(tmp_path: Path) -> None:
    steady = np.full(31, 1e-3)
    cells = [cell("exact", PROBLEM, steady), cell("also-exact", PROBLEM, steady)]
    cells += [cell(name, PROBLEM, steady / 3, arithmetic="tf32") for name in ("tf32", "other-tf32")]
    run = load_run(write_run(tmp_path, cells))
    pairs = compare_run(run)
    assert pairs[["backend_a", "backend_b"]].to_numpy().tolist() == [["also-exact", "exact"]]
    table = tabulate(run, pairs, Roofs.of(run.settings)).set_index("backend")
    assert not table.loc[["tf32", "other-tf32"], "leads"].any()
    assert table.loc["exact", "leads"]
    assert any("reduced precision (tf32)" in sentence for sentence in warnings(run, table.reset_index()))


def test_outputs_of_a_pair_are_named(tmp_path: Path) -> None:
    steady = np.full(31, 1e-3)
    cells = [cell("b", PROBLEM, steady, output="reused"), cell("a", PROBLEM, steady)]
    run = load_run(write_run(tmp_path, cells))
    assert compare_run(run)["outputs"].tolist() == ["fresh/reused"]
