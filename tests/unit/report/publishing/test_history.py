"""The history of one machine: steps where they are, and none where rules or evidence forbid it."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.network_totals import Total
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.publishing.history import Dated, histories, step

PROBLEM = "n1c64h28w28-o128"


def dated(folder: Path, day: int, times: dict[str, float], rules: str = "A") -> Dated:
    cells = [cell(name, PROBLEM, [seconds] * 9) for name, seconds in times.items()]
    found = analyse(run_of(folder, cells, name=f"2026-01-{day:02}T03-04-05Z"))
    return Dated(found.run.started_at, f"run-{day}", rules, found.groups)


def test_a_step_is_marked_in_the_run_in_which_it_happened(tmp_path: Path) -> None:
    runs = [dated(tmp_path, day, {"a": seconds, "b": 2e-3}) for day, seconds in ((3, 1.5e-3), (1, 1e-3), (2, 1e-3))]
    (found,) = histories(runs)
    assert (found.title, found.backends) == ("tinynet, 1 thread", ("a", "b"))
    assert [link for _, link, _, _ in found.rows] == ["run-1", "run-2", "run-3"]
    assert [points[0].step for *_, points in found.rows] == ["", "", "▲ 1.50× as long"]  # noqa: RUF001  # the sign
    assert [points[1].step for *_, points in found.rows] == ["", "", ""]


def test_between_runs_of_other_rules_there_is_no_step_and_of_one_run_no_history(tmp_path: Path) -> None:
    first, second = dated(tmp_path, 1, {"a": 1e-3}), dated(tmp_path, 2, {"a": 9e-3}, rules="B")
    (found,) = histories([first, second])
    assert [points[0].step for *_, points in found.rows] == ["", ""]
    assert histories([first]) == []


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ((1.0, 0.99, 1.01), (1.2, 1.1, 1.3), "▲ 1.20× as long"),  # noqa: RUF001  # the sign of a ratio
        ((1.2, 1.1, 1.3), (1.0, 0.99, 1.01), "▼ 1.20× faster"),  # noqa: RUF001  # the sign of a ratio
        ((1.0, 0.9, 1.1), (1.2, 1.1, 1.3), ""),
        ((1.0, 1.0, 1.0), (1.015, 1.015, 1.015), ""),
    ],
)
def test_a_step_needs_intervals_that_are_apart_by_more_than_the_margin(
    was: tuple[float, float, float], now: tuple[float, float, float], said: str
) -> None:
    assert step(Total(*was), Total(*now)) == said
