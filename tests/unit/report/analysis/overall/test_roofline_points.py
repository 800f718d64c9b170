"""Points under the roofs: who is drawn, who is cut as hopeless, and who finds no room."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.overall import roofline_points as module
from pointwise_bench.report.analysis.overall.roofline_points import hopeless, roofline_points
from pointwise_bench.report.pages.run_analysis import analyse

PROBLEM, OTHER = "n1c64h28w28-o128", "n1c128h14w14-o64"
# 12,845,056 flops, at most 100 GFLOP/s.
ROOF_S = 12_845_056 / 100e9


@pytest.fixture(scope="module")
def timings(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    cells = [
        cell("a", PROBLEM, [2 * ROOF_S] * 9, also=[{"group": "othernet", "name": "late", "count": 1}]),
        cell("b", PROBLEM, [99 * ROOF_S] * 9),
        cell("loops", PROBLEM, [101 * ROOF_S] * 9),
        cell("a", OTHER, [1e-3] * 9, threads=2),
        cell("loops", OTHER, [0.09] * 9, threads=2),
        cell("loops", PROBLEM, [0.11] * 9, threads=2),
        cell("a", PROBLEM, [1e-3] * 9, threads=2),
        cell("gpu", PROBLEM, [1e-6] * 9, device="cuda"),
        cell("c", PROBLEM),
    ]
    return analyse(run_of(tmp_path_factory.mktemp("runs"), cells)).timings


def test_who_reaches_less_than_a_hundredth_of_its_roof_is_cut_and_named(timings: pd.DataFrame) -> None:
    one, _ = roofline_points(timings)
    assert (one.dtype, one.threads) == ("float32", 1)
    assert [(point.backend, point.places) for point in one.drawn] == [("a", 2), ("b", 1)]
    assert [point.backend for point in one.cut] == ["loops"]
    assert one.said_of_cut == "Cut: 1 point below 1 % of what is possible, of loops (1)."
    (first, _) = one.drawn
    assert first.percent_of_roof == pytest.approx(50)
    assert first.bound_by == "compute"
    assert first.intensity == pytest.approx(12_845_056 / 634_880)


def test_without_a_roof_the_fastest_on_the_same_problem_says_what_is_possible(timings: pd.DataFrame) -> None:
    """Of two threads no ceiling was measured: 0.09 s beside 1 ms stay, 0.11 s do not."""
    _, two = roofline_points(timings)
    assert [(point.backend, point.problem) for point in two.drawn] == [("a", OTHER), ("a", PROBLEM), ("loops", OTHER)]
    assert [point.problem for point in two.cut] == [PROBLEM]


def test_where_everybody_is_hopeless_nobody_is_cut() -> None:
    assert hopeless(np.array([1.0, 2.0]), np.array([0.5, 0.9]), ["p", "q"]).tolist() == [False, False]
    assert hopeless(np.array([1.0, 2.0]), np.array([0.5, 1.0]), ["p", "q"]).tolist() == [True, False]


def test_the_slowest_backends_beyond_the_room_of_a_picture_are_counted(
    timings: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 1)
    one, two = roofline_points(timings)
    assert [{point.backend for point in each.drawn} for each in (one, two)] == [{"a"}, {"a"}]
    assert one.said_of_cut.endswith(" Not drawn: 1 slower backend.")
    assert [point.backend for point in one.further] == ["b"]
