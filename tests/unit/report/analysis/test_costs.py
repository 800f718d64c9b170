"""What a backend costs besides its time per call, and after how many calls that has paid off, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.costs import Cost, costs
from pointwise_bench.report.analysis.wording import DASH

FIRST, SECOND, THIRD = "n1c64h28w28-o128", "n1c128h14w14-o64", "n1c8h4w4-o8"


def costs_of(folder: Path, cells: list[dict[str, Any]], baseline: str | None = "base") -> dict[str, Cost]:
    """The costs of a run with these cells, by backend."""
    run = run_of(folder, cells)
    return {row.backend: row for row in costs(run, compare_run(run), baseline)}


def timed(backend: str, problem: str, seconds: float, **changed: Any) -> dict[str, Any]:
    """A cell whose rounds all took the same; it cost nothing beforehand unless that is said."""
    return cell(backend, problem, [seconds] * 9, **({"prepare_s": 0.0, "first_call_s": 0.0} | changed))


@pytest.mark.parametrize("fast", ["a", "z"])
def test_break_even_is_what_was_spent_over_what_each_call_gains(tmp_path: Path, fast: str) -> None:
    """Prepared in 3 s against 1 s, first call 2 s against 1 s: 3 s more; each call gains 1 s, or 0.1 s, or 0.5 s.

    So 3, 30 and 6 calls: the median is 6, the largest 30. The other way round the backend is never faster.
    """
    cells = []
    for problem, base_s, fast_s in ((FIRST, 2.0, 1.0), (SECOND, 1.1, 1.0), (THIRD, 1.0, 0.5)):
        cells.append(timed("base", problem, base_s, prepare_s=1.0, first_call_s=1.0))
        cells.append(timed(fast, problem, fast_s, prepare_s=3.0, first_call_s=2.0))
    assert costs_of(tmp_path / "one", cells)[fast].break_even == "6 (≤ 30)"
    assert costs_of(tmp_path / "one again", cells)["base"].break_even == "baseline"
    assert costs_of(tmp_path / "other", cells, fast)["base"].break_even == "never judged faster"


def test_break_even_counts_only_problems_where_the_backend_was_judged_faster(tmp_path: Path) -> None:
    """On the second its median is a percent shorter, which is no verdict; on the third it is slower."""
    cells = [timed("base", one, 1.0) for one in (FIRST, SECOND, THIRD)]
    cells += [timed("a", one, s, prepare_s=2.0) for one, s in ((FIRST, 0.5), (SECOND, 0.99), (THIRD, 2.0))]
    assert costs_of(tmp_path, cells)["a"].break_even == "4 (≤ 4)"


def test_what_costs_less_beforehand_too_pays_off_at_once(tmp_path: Path) -> None:
    cells = [timed("base", FIRST, 2.0, prepare_s=5.0), timed("a", FIRST, 1.0)]
    assert costs_of(tmp_path, cells)["a"].break_even == "0 (≤ 0)"


def test_a_gain_at_another_thread_budget_is_another_gain(tmp_path: Path) -> None:
    cells = [timed("base", FIRST, 2.0), timed("a", FIRST, 1.0, prepare_s=1.0)]
    cells += [timed("base", FIRST, 2.0, threads=2), timed("a", FIRST, 1.5, prepare_s=10.0, threads=2)]
    assert costs_of(tmp_path, cells)["a"].break_even == "10 (≤ 20)"


def test_without_a_baseline_there_is_no_break_even(tmp_path: Path) -> None:
    cells = [timed("a", FIRST, 1.0), timed("b", FIRST, 2.0)]
    assert {row.break_even for row in costs_of(tmp_path, cells, None).values()} == {DASH}


def test_what_was_not_measured_breaks_nothing(tmp_path: Path) -> None:
    cells = [timed("base", FIRST, 2.0, prepare_s=None), timed("a", FIRST, 1.0, first_call_s=None, cpu_over_wall=None)]
    row = costs_of(tmp_path, cells)["a"]
    assert (row.first_call, row.break_even, row.processor_share) == (DASH, "never judged faster", DASH)


def test_times_beforehand_are_a_median_and_the_largest(tmp_path: Path) -> None:
    cells = [
        timed("a", one, 1.0, prepare_s=prepare_s, first_call_s=first_s)
        for one, prepare_s, first_s in ((FIRST, 0.001, 2.0), (SECOND, 0.003, None), (THIRD, 7.0, 4.0))
    ]
    row = costs_of(tmp_path, cells)["a"]
    assert (row.prepare, row.first_call) == ("3.00 ms (≤ 7.00 s)", "3.00 s (≤ 4.00 s)")


def test_the_most_processor_time_is_shown_for_each_thread_budget_and_the_most_memory(tmp_path: Path) -> None:
    cells = [
        timed("a", FIRST, 1.0, cpu_over_wall=0.5, peak_rss_bytes=3 * 2**20),
        timed("a", SECOND, 1.0, cpu_over_wall=0.998, peak_rss_bytes=1 * 2**20),
        timed("a", FIRST, 1.0, threads=2, cpu_over_wall=1.75, peak_rss_bytes=None),
        timed("b", FIRST, 1.0, peak_rss_bytes=0),
        cell("c", FIRST, status="wrong"),
    ]
    found = costs_of(tmp_path, cells)
    assert found.keys() == {"a", "b"}
    assert (found["a"].processor_share, found["a"].memory) == ("1.00 of 1, 1.75 of 2", "3.00 MiB")
    assert found["b"].memory == DASH
