"""Against which backend speed-ups are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.baseline import check_baseline, choose_baseline
from pointwise_bench.report.reading.errors import ReportError

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def timed(name: str, *problems: str, **changed: Any) -> list[dict[str, Any]]:
    """Valid cells of one backend."""
    return [cell(name, problem, [1.0] * 9, **changed) for problem in problems]


@pytest.mark.parametrize(
    ("cells", "chosen"),
    [
        ([*timed("naive-loops", FIRST, SECOND), *timed("a", FIRST), *timed("z", FIRST, SECOND)], "z"),
        ([*timed("z", FIRST), *timed("a", FIRST)], "a"),
        ([*timed("naive-loops", FIRST, SECOND), *timed("a", FIRST)], "a"),
        ([*timed("torch-naive", FIRST, SECOND), *timed("z", FIRST)], "z"),
        ([*timed("naivest", FIRST, SECOND), *timed("a", FIRST)], "naivest"),
        ([*timed("naive-loops", FIRST)], "naive-loops"),
        ([*timed("a", FIRST), cell("a", SECOND, status="wrong"), *timed("b", FIRST, SECOND)], "b"),
        ([*timed("a", FIRST), *timed("b", FIRST), *timed("b", FIRST, threads=2)], "b"),
        ([cell("a", FIRST, status="wrong")], None),
        ([], None),
    ],
    ids=[
        "most complete",
        "ties by name",
        "naive comes last",
        "naive anywhere",
        "a whole word",
        "no other",
        "valid ones count",
        "thread budgets",
        "none valid",
        "empty",
    ],
)
def test_the_baseline_is_the_most_complete_that_is_not_naive(
    tmp_path: Path, cells: list[dict[str, Any]], chosen: str | None
) -> None:
    assert choose_baseline(run_of(tmp_path, cells)) == chosen


@pytest.mark.parametrize(
    ("cells", "chosen"),
    [
        ([*timed("a", FIRST, SECOND), *timed("numpy-matmul", FIRST), *timed("torch-conv2d", FIRST)], "torch-conv2d"),
        ([*timed("a", FIRST, SECOND), *timed("numpy-matmul", FIRST)], "numpy-matmul"),
        ([*timed("numpy-matmul", FIRST), cell("torch-conv2d", FIRST, status="wrong")], "numpy-matmul"),
    ],
    ids=["what a framework calls", "plain NumPy", "valid ones count"],
)
def test_the_baseline_is_what_people_use_where_that_is_there(
    tmp_path: Path, cells: list[dict[str, Any]], chosen: str
) -> None:
    assert choose_baseline(run_of(tmp_path, cells)) == chosen


def test_a_baseline_of_the_users_must_be_in_one_of_the_runs(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / name, [cell(name, FIRST, status="wrong")]) for name in ("numpy-matmul", "torch-conv2d")]
    check_baseline("torch-conv2d", runs)
    with pytest.raises(
        ReportError, match="--baseline numpy-matmull: no such backend in this run; nearest: numpy-matmul"
    ):
        check_baseline("numpy-matmull", runs)
    with pytest.raises(ReportError, match="nearest: none"):
        check_baseline("a", [])
