"""Cells in the forms that statistics and tables take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.series import (
    by_backend,
    clusters_of,
    columns_of_parts,
    records,
    series_of,
    times_of,
)

PROBLEM, OTHER = "n1c64h28w28-o128", "n1c128h14w14-o64"


def test_rounds_keep_their_names_and_their_starts(tmp_path: Path) -> None:
    (one,) = run_of(tmp_path, [cell("a", PROBLEM, [1.0, 2.0, 4.0], round=[5, 3, 9], process=[7, 7, 8])]).cells
    series = series_of(one)
    assert np.exp(series.log_seconds) == pytest.approx(np.array([1.0, 2.0, 4.0]))
    assert series.rounds.tolist() == [5, 3, 9]
    assert series.processes.tolist() == [7, 7, 8]


def test_samples_of_one_start_are_one_cluster(tmp_path: Path) -> None:
    (one,) = run_of(tmp_path, [cell("a", PROBLEM, [1.0, 2.0, 4.0], process=[7, 9, 7])]).cells
    clusters = clusters_of(one)
    assert clusters.values.tolist() == [1.0, 2.0, 4.0]
    assert (clusters.labels.tolist(), clusters.count) == ([0, 1, 0], 2)


def test_times_of_many_cells_are_those_of_each(tmp_path: Path) -> None:
    """Whatever starts their rounds are from: two have the same, a third has another number of rounds."""
    starts = ([0, 0, 0, 1, 1, 1, 2, 2, 2], [0] * 9, [0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 1] * 8)
    generator = np.random.default_rng(19)
    lines = [
        cell(name, PROBLEM, generator.lognormal(0, 0.1, len(process)), process=process)
        for name, process in zip("abcd", starts, strict=True)
    ]
    cells = run_of(tmp_path, lines).cells
    expected = [(*clusters_of(one).median_interval(), clusters_of(one).count) for one in cells]
    assert [tuple(one) for one in times_of(cells)] == expected
    assert times_of([]) == []


def test_cells_are_gathered_by_backend_in_the_order_of_names_each_in_the_order_of_the_run(tmp_path: Path) -> None:
    run = run_of(tmp_path, [cell(name, one) for name, one in (("b", OTHER), ("a", OTHER), ("b", PROBLEM))])
    found = [(name, [one.problem.id for one in cells]) for name, cells in by_backend(run.cells).items()]
    assert found == [("a", [OTHER]), ("b", [OTHER, PROBLEM])]


def test_rows_are_plain_values_of_the_columns_asked_for() -> None:
    table = pd.DataFrame({"name": ["a", "b"], "whole": [1, None], "share": [0.5, 2.0], "leads": [True, False]})
    found = records(table.astype({"whole": "Int64"}), ("leads", "name", "whole", "share"))
    assert [list(row) for row in found] == [["leads", "name", "whole", "share"]] * 2
    assert list(found[0].values()) == [True, "a", 1, 0.5]
    assert [type(value) for value in found[0].values()] == [bool, str, int, float]
    assert found[1]["whole"] is pd.NA


def test_parts_of_a_table_are_plain_values_in_the_order_asked_for() -> None:
    table = pd.DataFrame(
        {"name": ["a", "b", "c"], "count": [1, None, 3], "seconds": [0.5, 1.5, 2.5], "left": [0, 1, 2]}
    )
    part = columns_of_parts(table.astype({"count": "Int64"}), ("seconds", "name", "count"))
    assert part(np.array([2, 1])) == {"seconds": [2.5, 1.5], "name": ["c", "b"], "count": [3, pd.NA]}
    assert [type(one) for values in part(np.array([0])).values() for one in values] == [float, str, int]
    assert part(np.array([], dtype=np.intp)) == {"seconds": [], "name": [], "count": []}
