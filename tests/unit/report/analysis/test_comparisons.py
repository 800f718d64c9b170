"""Which cells of a run are compared, with whom, and what is said of the pair."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from make_run import cell, run_of

from pointwise_bench.common.verdict_rule import START_SD
from pointwise_bench.report.analysis import comparisons
from pointwise_bench.report.analysis.comparisons import (
    COLUMNS,
    UNPUBLISHED,
    compare_run,
    not_all_compared,
    usual_disagreements,
)
from pointwise_bench.report.statistics.chosen_pairs import MOST_AGAINST_ALL
from pointwise_bench.report.statistics.starts import Disagreement

PROBLEM, OTHER = "n1c64h28w28-o128", "n1c128h14w14-o64"
STEADY = np.full(31, 1e-3)


def test_in_process_cells_are_not_compared(tmp_path: Path) -> None:
    cells = [cell("a", PROBLEM, STEADY), cell("b", PROBLEM, STEADY * 2, isolation="in-process")]
    assert compare_run(run_of(tmp_path, cells)).empty


def test_a_reduced_precision_is_compared_with_nobody(tmp_path: Path) -> None:
    cells = [cell("exact", PROBLEM, STEADY), cell("also-exact", PROBLEM, STEADY)]
    cells += [cell(name, PROBLEM, STEADY / 3, arithmetic="tf32") for name in ("tf32", "other-tf32")]
    pairs = compare_run(run_of(tmp_path, cells))
    assert pairs[["backend_a", "backend_b"]].to_numpy().tolist() == [["also-exact", "exact"]]


def test_of_very_many_backends_the_fastest_and_the_baseline_are_compared_with_all(tmp_path: Path) -> None:
    """And what is said of those pairs is what is said where every two are compared."""
    generator = np.random.default_rng(3)
    backends = MOST_AGAINST_ALL + 4
    cells = [
        cell(f"b{number:03}", PROBLEM, 1e-3 * 1.01**number * np.exp(generator.normal(0, 0.01, 24)))
        for number in range(backends)
    ]
    run, known = run_of(tmp_path, cells), {1: Disagreement()}
    assert not_all_compared(run)
    slowest = f"b{backends - 1:03}"
    some = compare_run(run, usual=known, baseline=slowest).set_index(["backend_a", "backend_b"])
    left_out = {f"b{number:03}" for number in range(MOST_AGAINST_ALL, backends - 1)}
    pairs = set(some.index)
    assert len(pairs) == backends * (backends - 1) // 2 - len(left_out) * (len(left_out) - 1) // 2
    assert not any({*pair} <= left_out for pair in pairs)
    with mock.patch.object(comparisons, "MOST_AGAINST_ALL", backends):
        every_two = compare_run(run, usual=known).set_index(["backend_a", "backend_b"])
    assert some.equals(every_two.loc[some.index])
    assert {"faster", "undecided"} <= set(some["verdict"])


def test_outputs_of_a_pair_are_named(tmp_path: Path) -> None:
    cells = [cell("b", PROBLEM, STEADY, output="reused"), cell("a", PROBLEM, STEADY)]
    assert compare_run(run_of(tmp_path, cells))["outputs"].tolist() == ["fresh/reused"]


def test_a_pair_is_of_one_problem_and_one_thread_budget(tmp_path: Path) -> None:
    cells = [
        cell("b", PROBLEM, 2 * STEADY),
        cell("a", PROBLEM, STEADY),
        cell("a", OTHER, STEADY),
        cell("a", PROBLEM, STEADY, threads=2),
        cell("c", OTHER, 3 * STEADY),
        cell("b", OTHER, status="wrong"),
    ]
    pairs = compare_run(run_of(tmp_path, cells))
    said = pairs[["problem", "threads", "backend_a", "backend_b", "verdict"]].to_numpy().tolist()
    assert said == [[PROBLEM, 1, "a", "b", "faster"], [OTHER, 1, "a", "c", "faster"]]
    assert pairs["ratio"].tolist() == pytest.approx([2.0, 3.0])
    assert set(pairs["machine"]) == {"testbed-2-0123abcd"}
    assert set(pairs["run"]) == {"2026-01-02T03-04-05Z"}


def test_of_three_backends_every_two_are_compared_in_the_order_of_their_names(tmp_path: Path) -> None:
    cells = [cell(name, PROBLEM, STEADY * factor) for name, factor in (("c", 1.0), ("a", 2.0), ("b", 4.0))]
    pairs = compare_run(run_of(tmp_path, cells)).set_index(["backend_a", "backend_b"])
    assert dict(pairs["ratio"]) == pytest.approx({("a", "b"): 2.0, ("a", "c"): 0.5, ("b", "c"): 0.25})
    assert dict(pairs["verdict"]) == {("a", "b"): "faster", ("a", "c"): "slower", ("b", "c"): "slower"}


def test_rounds_of_different_names_are_not_paired(tmp_path: Path) -> None:
    cells = [cell("a", PROBLEM, [1e-3] * 9), cell("b", PROBLEM, [1e-3] * 9, round=list(range(4, 13)))]
    (row,) = compare_run(run_of(tmp_path, cells)).to_dict("records")
    assert (row["rounds"], row["starts"], row["verdict"], row["sign_tested"]) == (5, 3, "undecided", False)


def test_the_margin_is_an_argument(tmp_path: Path) -> None:
    run = run_of(tmp_path, [cell("a", PROBLEM, STEADY), cell("b", PROBLEM, STEADY * 1.1)])
    assert compare_run(run)["verdict"].tolist() == ["faster"]
    assert compare_run(run, margin=0.2)["verdict"].tolist() == ["same"]


def test_a_run_without_pairs_has_a_table_with_all_columns(tmp_path: Path) -> None:
    assert list(compare_run(run_of(tmp_path, [])).columns) == [*COLUMNS, *UNPUBLISHED]


def test_how_much_starts_disagree_is_learnt_for_each_thread_budget(tmp_path: Path) -> None:
    """Three starts of 14, 14 and 12 rounds: with one thread all ratios of each lie below all of the next.

    The sums of signs about the median of all are -14, 8 - 6 and 12, so the design effect is
    (196 / 14 + 4 / 14 + 144 / 12) / (3 - 1) = 13.14. With two threads every ratio is the same, which is less than any
    scatter explains: 1, the least.
    """
    process = [0] * 14 + [1] * 14 + [2] * 12
    apart = 1e-3 * np.exp(0.01 * np.arange(40))
    level = np.full(40, 1e-3)
    cells = [cell("a", PROBLEM, level, process=process), cell("b", PROBLEM, apart, process=process)]
    cells += [cell(name, PROBLEM, level, threads=2, process=process) for name in "ab"]
    run = run_of(tmp_path, cells)
    usual = usual_disagreements(run)
    assert [usual[threads].effect for threads in (1, 2, 3)] == pytest.approx([13.142857, 1.0, 1.0])
    # The medians of the starts, 0.065, 0.205 and 0.335, are further apart than the prior says.
    assert usual[1].start_sd > usual[3].start_sd == START_SD > usual[2].start_sd
    # So much that the interval is the whole range.
    row = compare_run(run).set_index("threads").loc[1]
    assert (row["low"], row["high"]) == (pytest.approx(1.0), pytest.approx(np.exp(0.39)))


def test_a_run_that_was_judged_after_every_start_has_paid_for_it(tmp_path: Path) -> None:
    """Seven rounds hold an interval at 2 / 2**7 = 0.0156: for one look at three starts, and not for the third."""
    cells = [cell("a", PROBLEM, [1e-3] * 7), cell("b", PROBLEM, [2e-3] * 7)]
    for folder, first_look, enough in (("full", {}, True), ("screened", {"first_look": 1}, False)):
        (row,) = compare_run(run_of(tmp_path / folder, cells, **first_look)).to_dict("records")
        assert (row["starts"], row["sign_tested"]) == (3, enough)


def test_what_is_known_of_starts_may_come_from_elsewhere(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, [cell("a", PROBLEM, STEADY, process=[0] * 31), cell("b", PROBLEM, 1.03 * STEADY, process=[0] * 31)]
    )
    assert compare_run(run)["verdict"].tolist() == ["undecided"]
    assert compare_run(run, usual={1: Disagreement(start_sd=0.001)})["verdict"].tolist() == ["faster"]


def test_what_is_usual_comes_from_the_other_problems_too(tmp_path: Path) -> None:
    """A pair whose own starts agree has a wider interval beside one whose starts do not."""
    process = [0] * 20 + [1] * 20
    apart = 1e-3 * np.exp(0.01 * np.arange(40))
    mixed = 1e-3 * np.exp(0.01 * (np.arange(40) * 7 % 40))
    level = np.full(40, 1e-3)
    alone = [cell("a", OTHER, level, process=process), cell("b", OTHER, mixed, process=process)]
    beside = [*alone, cell("a", PROBLEM, level, process=process), cell("b", PROBLEM, apart, process=process)]
    widths = []
    for name, cells in (("alone", alone), ("beside", beside)):
        row = compare_run(run_of(tmp_path / name, cells)).set_index("problem").loc[OTHER]
        widths.append(row["high"] - row["low"])
    assert widths[1] > 1.5 * widths[0]
