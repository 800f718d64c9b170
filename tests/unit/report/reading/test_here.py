"""Where the report of a run goes where nobody says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointwise_bench.report.reading.here import Here, place_of_report


def here(kept: bool) -> Here:
    return Here(lambda: "this", lambda _: kept)


@pytest.mark.parametrize("told", [None, here(False)])
def test_a_run_of_ones_own_has_its_report_within(told: Here | None) -> None:
    assert place_of_report(Path("results/a/b"), told) == Path("results/a/b/report")


def test_of_a_run_that_git_keeps_it_stands_beside_all_machines(tmp_path: Path) -> None:
    assert place_of_report(tmp_path / "a" / "b" / ".." / "c", here(True)) == tmp_path / "reports" / "a" / "c"
