"""The tidy table: times, ranks that tie where the evidence ties, and shares of the roof."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_run import cell, write_run

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.reading.run import load_run

PROBLEM = "n1c64h28w28-o128"


def test_ranks_tie_where_the_evidence_ties(tmp_path: Path) -> None:
    steady = np.full(31, 1e-3)
    run = load_run(
        write_run(
            tmp_path,
            [
                cell("first", PROBLEM, steady),
                cell("also-first", PROBLEM, steady * 1.001),
                cell("behind", PROBLEM, steady * 2),
                cell("few-rounds", PROBLEM, np.full(5, 1.0)),
            ],
        )
    )
    table = tabulate(run, compare_run(run), Roofs.of(run.settings)).set_index("backend")
    assert table["rank"].to_dict() == {"first": 1, "also-first": 1, "behind": 3, "few-rounds": 1}
    assert table["leads"].to_dict() == {"first": True, "also-first": True, "behind": False, "few-rounds": False}


def test_percent_of_roof_by_hand(tmp_path: Path) -> None:
    problem = Problem.parse(PROBLEM)
    compute_s, memory_s = problem.flops / 100e9, problem.min_bytes / 40e9
    assert compute_s > memory_s
    run = load_run(write_run(tmp_path, [cell("a", PROBLEM, [4 * compute_s] * 9)]))
    row = tabulate(run, compare_run(run), Roofs.of(run.settings)).iloc[0]
    # 100 GFLOP/s is the peak of the second phase: the better one counts.
    assert row["percent_of_roof"] == pytest.approx(25.0)
    assert row["bound_by"] == "compute"
    assert row["gflops"] == pytest.approx(25.0)
