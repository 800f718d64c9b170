"""The report's statistics against values known from elsewhere and against simulated machines."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from make_run import CEILINGS, cell, drifting, write_run
from numpy.typing import ArrayLike

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.health import warnings
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.report.statistics.order_statistics import Clusters, interval_index
from pointwise_bench.report.statistics.verdicts import Series, pair_up

PROBLEM = "n1c64h28w28-o128"


def one_start(seconds: ArrayLike) -> Series:
    """Rounds 0, 1, 2, ... of one start of the worker."""
    count = np.size(seconds)
    return Series.of(seconds, np.arange(count), np.zeros(count))


# Conover, Practical Nonparametric Statistics, 3rd edition, and the table of the sign test: ranks from 1 are
# (1, 6), (2, 9), (6, 15), (10, 22) at 95 %.
@pytest.mark.parametrize(("count", "rank"), [(6, 1), (9, 2), (10, 2), (20, 6), (25, 8), (31, 10)])
def test_interval_takes_the_tabulated_ranks(count: int, rank: int) -> None:
    assert interval_index(count) == rank - 1


@pytest.mark.parametrize(("count", "alpha"), [(0, 0.05), (5, 0.05), (12, 0.05 / 190), (1, 0.5)])
def test_interval_does_not_exist_for_too_few_samples(count: int, alpha: float) -> None:
    assert interval_index(count, alpha) is None


def test_short_series_gets_its_whole_range() -> None:
    assert Clusters.of(np.array([3.0, 1.0, 2.0]), np.zeros(3, np.int64)).median_interval() == (2.0, 1.0, 3.0)


def test_ratio_is_time_of_b_over_time_of_a() -> None:
    fast, slow = one_start(np.full(31, 1.0)), one_start(np.full(31, 2.0))
    pairs = pair_up([fast, slow])
    assert (pairs.ratio[0], pairs.verdict[0]) == (pytest.approx(2.0), "faster")
    assert pair_up([slow, fast]).verdict[0] == "slower"
    assert pair_up([fast, one_start(np.full(31, 1.001))]).verdict[0] == "same"


def test_five_rounds_decide_nothing_however_large_the_difference() -> None:
    pairs = pair_up([one_start(np.full(31, 1.0)), one_start(np.full(5, 100.0))])
    assert (pairs.verdict[0], pairs.rounds[0], bool(pairs.decidable[0])) == ("undecided", 5, False)


def test_identical_backends_under_drift_are_rarely_told_apart() -> None:
    generator = np.random.default_rng(1)
    # Noise far above the margin: the confidence of the interval alone must hold the verdicts back.
    verdicts = [
        pair_up([one_start(each) for each in drifting(generator, [1.0, 1.0], noise=0.2)]).verdict[0] for _ in range(500)
    ]
    assert sum(verdict in ("faster", "slower") for verdict in verdicts) <= 25


def test_rounds_are_paired_before_they_are_ordered() -> None:
    # The same times in another order: ordered first, every ratio would be one.
    pairs = pair_up([one_start(np.tile([1.0, 2.0], 16)), one_start(np.tile([2.0, 1.0], 16))])
    assert (pairs.verdict[0], pairs.low[0], pairs.high[0]) == ("undecided", pytest.approx(0.5), pytest.approx(2.0))


def test_planted_difference_is_found_under_drift() -> None:
    generator = np.random.default_rng(2)
    verdicts = [pair_up([one_start(each) for each in drifting(generator, [1.0, 1.05])]).verdict[0] for _ in range(200)]
    assert verdicts.count("faster") >= 180
    assert verdicts.count("slower") == 0


def test_confidence_is_corrected_for_the_number_of_pairs() -> None:
    # Seven rounds hold an interval for one pair (2 / 2**7 is below 0.05), but not for six (above 0.05 / 6).
    series = [one_start(np.full(7, 1.0 + one)) for one in range(4)]
    assert pair_up(series[:2]).decidable.all()
    assert not pair_up(series).decidable.any()


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


def test_bandwidth_follows_the_ladder_and_ends_at_dram() -> None:
    ceilings = Roofs.of({"ceilings": CEILINGS})
    assert ceilings.bandwidth(2**10, 1) == pytest.approx(100e9)
    assert ceilings.bandwidth(2**17, 1) == pytest.approx(math.sqrt(100e9 * 40e9))
    assert ceilings.bandwidth(2**25, 1) == pytest.approx(10e9)
    assert ceilings.bandwidth(2**25, 2) is None
