"""Two runs without pairing: what is called faster or slower, broken or mended, and what is left open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from make_run import cell, run_of

from pointwise_bench.report.analysis.regression import Change, cells_of_one_run, compare_runs
from pointwise_bench.report.reading.errors import ReportError

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"
CROSS = "\N{MULTIPLICATION SIGN}"


def compared(folder: Path, before: dict[str, Any], after: dict[str, Any], margin: float = 0.02) -> Change:
    """The change of one cell from one run to another."""
    (change,) = compare_runs(run_of(folder / "old", [before]), run_of(folder / "new", [after]), margin)
    return change


def spread(middle: float, low: float, high: float) -> list[float]:
    """Nine rounds, in no order: their median is ``middle``, their interval (rank 2 to rank 8) ``low`` to ``high``."""
    return [high, low / 2, middle, middle, high * 2, low, middle, (low + middle) / 2, (high + middle) / 2]


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        # Called only where the closest ends of the two intervals are more than 2 % apart.
        ((1.00, 0.99, 1.01), (1.10, 1.04, 1.20), "slower"),  # 1.04 / 1.01 = 1.0297
        ((1.00, 0.99, 1.01), (1.10, 1.03, 1.20), "unclear"),  # 1.03 / 1.01 = 1.0198
        ((1.10, 1.04, 1.20), (1.00, 0.99, 1.01), "faster"),
        ((1.10, 1.03, 1.20), (1.00, 0.99, 1.01), "unclear"),
        # Unchanged only where even the farthest ends are within it.
        ((1.00, 0.995, 1.005), (1.00, 0.995, 1.005), "unchanged"),  # 1.005 / 0.995 = 1.01005
        ((1.00, 0.99, 1.005), (1.00, 0.995, 1.015), "unclear"),  # 1.015 / 0.99 = 1.0253
        ((1.00, 0.5, 2.0), (1.00, 0.5, 2.0), "unclear"),
    ],
)
def test_a_change_is_called_by_the_ends_of_both_intervals(
    tmp_path: Path, before: tuple[float, float, float], after: tuple[float, float, float], verdict: str
) -> None:
    change = compared(tmp_path, cell("a", FIRST, spread(*before)), cell("a", FIRST, spread(*after)))
    assert change.verdict == verdict


def test_a_change_is_said_with_both_times_and_the_widest_ratio(tmp_path: Path) -> None:
    before, after = spread(1e-3, 0.8e-3, 1.25e-3), spread(3e-3, 2.5e-3, 4e-3)
    change = compared(tmp_path, cell("a", FIRST, before, threads=2), cell("a", FIRST, after, threads=2))
    assert change.where == f"a {FIRST} 2 threads"
    # 2.5 / 1.25 and 4 / 0.8.
    assert change.text == f"1.00 ms before, 3.00 ms now: 3.00{CROSS} [2.00, 5.00] the time"


@pytest.mark.parametrize(("margin", "verdict"), [(0.02, "slower"), (0.098, "slower"), (0.102, "unchanged")])
def test_the_margin_is_the_users(tmp_path: Path, margin: float, verdict: str) -> None:
    before, after = cell("a", FIRST, [1e-3] * 9), cell("a", FIRST, [1.1e-3] * 9)
    assert compared(tmp_path, before, after, margin).verdict == verdict


@pytest.mark.parametrize(("rounds", "verdict"), [(3, "unclear"), (4, "slower")])
@pytest.mark.parametrize("short", ["before", "after"])
def test_three_rounds_on_either_side_call_nothing(tmp_path: Path, rounds: int, verdict: str, short: str) -> None:
    counts = (rounds, 9) if short == "before" else (9, rounds)
    before, after = cell("a", FIRST, [1e-3] * counts[0]), cell("a", FIRST, [2e-3] * counts[1])
    assert compared(tmp_path, before, after).verdict == verdict


def test_an_interval_counts_how_much_the_starts_of_a_worker_disagree(tmp_path: Path) -> None:
    """Starts of 8, 14 and 8 rounds, 2 % apart, and 5 % slower in the other run.

    Pooled, the interval of 30 rounds is from rank 10 to rank 21, all within the second start: a clear change. By their
    starts the interval is the whole range, and the closest ends are 1.05 / 1.04 apart, about 1 %.
    """
    process = np.repeat([0, 1, 2], [8, 14, 8])
    levels = np.array([1.0, 1.02, 1.04])[process] * (1 + 1e-5 * np.arange(30))
    by_start = [cell("a", FIRST, factor * levels, process=process.tolist()) for factor in (1.0, 1.05)]
    pooled = [one | {"process": [0] * 30} for one in by_start]
    assert compared(tmp_path / "pooled", pooled[0], pooled[1]).verdict == "slower"
    assert compared(tmp_path / "by start", by_start[0], by_start[1]).verdict == "unclear"


TIMES = st.lists(st.floats(0.5, 2.0), min_size=4, max_size=12)
MIRRORED = {"faster": "slower", "slower": "faster"}


# 60 examples, of which each is two runs on disk: the ends of two intervals can be paired in four ways, and each wrong
# one breaks the mirror in most examples.
@settings(max_examples=60, deadline=None)
@given(TIMES, TIMES)
def test_from_new_to_old_everything_is_mirrored(
    tmp_path_factory: pytest.TempPathFactory, one: list[float], other: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    there = compared(folder / "there", cell("a", FIRST, one), cell("a", FIRST, other))
    back = compared(folder / "back", cell("a", FIRST, other), cell("a", FIRST, one))
    assert back.verdict == MIRRORED.get(there.verdict, there.verdict)


# --- results that came or went ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "verdict", "text"),
    [
        ("ok", "wrong", "broken", "ok before, wrong now: planted"),
        ("ok", "unavailable", "broken", "ok before, unavailable now: planted"),
        ("crashed", "ok", "mended", "crashed before, ok now"),
        ("wrong", "wrong", "unchanged", "wrong"),
        ("wrong", "crashed", "unchanged", "wrong before, crashed now: planted"),
    ],
)
def test_a_result_that_came_or_went(tmp_path: Path, before: str, after: str, verdict: str, text: str) -> None:
    def made(status: str) -> dict[str, Any]:
        return cell("a", FIRST, [1e-3] * 9) if status == "ok" else cell("a", FIRST, status=status)

    change = compared(tmp_path, made(before), made(after))
    assert (change.verdict, change.text) == (verdict, text)


@pytest.mark.parametrize("side", [0, 1])
def test_in_process_times_are_not_compared_and_the_reason_is_said(tmp_path: Path, side: int) -> None:
    cells = [cell("a", FIRST, [seconds] * 9) for seconds in (1e-3, 9e-3)]
    cells[side] |= {"isolation": "in-process"}
    old, new = (run_of(tmp_path / name, [one]) for name, one in zip(("old", "new"), cells, strict=True))
    (change,) = compare_runs(old, new, 0.02, across_rules=True)
    assert (change.verdict, change.text) == ("not compared", "timed in-process, where other backends' threads disturb")


@pytest.mark.parametrize(("seconds", "verdict"), [(2e-3, "slower"), (1e-3, "unchanged"), (0.5e-3, "faster")])
def test_a_reduced_precision_is_compared_with_itself(tmp_path: Path, seconds: float, verdict: str) -> None:
    """It is never ranked among others; that it became slower is a regression all the same."""
    before, after = (cell("a", FIRST, [one] * 9, arithmetic="tf32") for one in (1e-3, seconds))
    assert compared(tmp_path, before, after).verdict == verdict


def test_another_precision_is_another_question(tmp_path: Path) -> None:
    before, after = cell("a", FIRST, [1e-3] * 9), cell("a", FIRST, [0.2e-3] * 9, arithmetic="tf32")
    change = compared(tmp_path, before, after)
    assert (change.verdict, change.text) == ("not compared", "computed in another precision: own before, tf32 now")


def test_a_ratio_of_two_kinds_of_output_says_so(tmp_path: Path) -> None:
    before, after = cell("a", FIRST, [1e-3] * 9), cell("a", FIRST, [0.5e-3] * 9, output="reused")
    change = compared(tmp_path, before, after)
    assert change.verdict == "faster"
    assert change.text.endswith("(the output was fresh memory before and is reused memory now)")


# --- whole runs ---------------------------------------------------------------------------------------------------


def test_cells_are_matched_by_backend_problem_and_threads(tmp_path: Path) -> None:
    old = run_of(
        tmp_path / "old", [cell("b", FIRST, [1e-3] * 9), cell("a", FIRST, [1e-3] * 9), cell("a", SECOND, [1e-3])]
    )
    new = run_of(
        tmp_path / "new",
        [cell("a", FIRST, [2e-3] * 9), cell("b", FIRST, [1e-3] * 9), cell("a", SECOND, [1e-3], threads=2)],
    )
    changes = [(change.where, change.verdict) for change in compare_runs(old, new, 0.02)]
    assert changes == [(f"a {FIRST} 1 thread", "slower"), (f"b {FIRST} 1 thread", "unchanged")]
    assert cells_of_one_run(old, new) == (1, 1)


def test_runs_of_two_machines_are_compared_on_request_only(tmp_path: Path) -> None:
    old = run_of(tmp_path, [cell("a", FIRST, [1e-3] * 9)])
    new = run_of(tmp_path, [cell("a", FIRST, [2e-3] * 9)], machine="another-4-89abcdef")
    with pytest.raises(ReportError, match=r"another-4-89abcdef.*testbed-2-0123abcd.*--across-machines"):
        compare_runs(old, new, 0.02)
    (change,) = compare_runs(old, new, 0.02, across_machines=True)
    assert change.verdict == "slower"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"cache": "cold"}, "cache: hot before, cold now"),
        ({"isolation": "in-process"}, {}, "isolation: in-process before, worker now"),
    ],
)
def test_runs_of_different_rules_are_compared_on_request_only(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    """A cold cache is no regression of a hot one, however many times slower."""
    old = run_of(tmp_path / "old", [cell("a", FIRST, [1e-3] * 9, **before)])
    new = run_of(tmp_path / "new", [cell("a", FIRST, [3e-3] * 9, **after)])
    with pytest.raises(ReportError, match=rf"by other rules than .*: {said}; add --across-rules"):
        compare_runs(old, new, 0.02)
    assert len(compare_runs(old, new, 0.02, across_rules=True)) == 1
