"""Which backends were right, and the cells without a valid time with the reason for each."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, run_of

from pointwise_bench.common.status import STATUSES
from pointwise_bench.report.analysis.correctness import Failure, correctness, failures, outcomes
from pointwise_bench.report.analysis.wording import DASH

PROBLEMS = [f"n{batch}c8h4w4-o8" for batch in range(1, 6)]


def test_cells_are_counted_by_status_and_backend(tmp_path: Path) -> None:
    cells = [cell("b", PROBLEMS[0], [1.0]), cell("b", PROBLEMS[1], [1.0]), cell("b", PROBLEMS[2], status="crashed")]
    cells += [cell("a", one, status=status) for one, status in zip(PROBLEMS, STATUSES[1:], strict=False)]
    rows = correctness(run_of(tmp_path, cells))
    assert [row.backend for row in rows] == ["a", "b"]
    counted = {row.backend: dict(zip(STATUSES, row.counts, strict=True)) for row in rows}
    assert counted["b"] == dict.fromkeys(STATUSES, 0) | {"ok": 2, "crashed": 1}
    assert counted["a"] == dict.fromkeys(STATUSES, 0) | dict.fromkeys(STATUSES[1:6], 1)


def test_only_outcomes_that_occur_have_a_column_and_the_others_are_named(tmp_path: Path) -> None:
    rows = correctness(run_of(tmp_path, [cell("a", PROBLEMS[0], [1.0]), cell("b", PROBLEMS[0], status="crashed")]))
    there, nowhere = outcomes(rows)
    assert [(status, rows[1].counts[place]) for place, status in there] == [("ok", 0), ("crashed", 1)]
    assert nowhere == [one for one in STATUSES if one not in ("ok", "crashed")]
    assert [status for _, status in outcomes([])[0]] == ["ok"]


def test_the_largest_error_is_named_with_its_problem(tmp_path: Path) -> None:
    cells = [
        cell("a", PROBLEMS[0], [1.0], error_ratio=0.25),
        cell("a", PROBLEMS[1], [1.0], error_ratio=0.75),
        cell("a", PROBLEMS[2], status="crashed", error_ratio=None),
        cell("b", PROBLEMS[1], status="wrong", error_ratio=float("inf")),
        cell("c", PROBLEMS[1], status="crashed", error_ratio=None),
    ]
    rows = {row.backend: (row.worst, row.where) for row in correctness(run_of(tmp_path, cells))}
    assert rows == {"a": ("0.750", PROBLEMS[1]), "b": ("∞", PROBLEMS[1]), "c": (DASH, "")}


def test_failures_of_one_backend_and_reason_are_one_row_the_gravest_first(tmp_path: Path) -> None:
    cells = [
        cell("a", PROBLEMS[0], status="unavailable", reason="no package"),
        cell("b", PROBLEMS[0], status="crashed", reason="signal 11"),
        cell("a", PROBLEMS[1], status="wrong", reason="off by one"),
        cell("a", PROBLEMS[2], status="wrong", reason="off by two"),
        cell("a", PROBLEMS[3], status="wrong", reason="off by one"),
        cell("b", PROBLEMS[1], status="timed-out", reason=""),
        cell("c", PROBLEMS[0], [1.0]),
    ]
    assert failures(run_of(tmp_path, cells)) == [
        Failure("a", "wrong", "off by one", 2, f"{PROBLEMS[1]}, {PROBLEMS[3]}"),
        Failure("a", "wrong", "off by two", 1, PROBLEMS[2]),
        Failure("b", "crashed", "signal 11", 1, PROBLEMS[0]),
        Failure("b", "timed-out", "no reason given", 1, PROBLEMS[1]),
        Failure("a", "unavailable", "no package", 1, PROBLEMS[0]),
    ]


def test_three_problems_are_named_each_once_and_the_others_counted(tmp_path: Path) -> None:
    cells = [cell("a", one, status="wrong", threads=threads) for one in PROBLEMS for threads in (1, 2)]
    (row,) = failures(run_of(tmp_path, cells))
    assert (row.cells, row.examples) == (10, f"{', '.join(PROBLEMS[:3])} and 2 more")
    (three,) = failures(run_of(tmp_path / "three", [one for one in cells if one["problem"] in PROBLEMS[:3]]))
    assert three.examples == ", ".join(PROBLEMS[:3])
