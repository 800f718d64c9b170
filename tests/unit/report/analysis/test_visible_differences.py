"""The smallest difference that would have been decided, by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from pointwise_bench.report.analysis.visible_differences import visible_percent


def pairs(*rows: tuple[str, str, float, float, float]) -> pd.DataFrame:
    columns = ("backend_a", "backend_b", "ratio", "low", "high")
    return pd.DataFrame(rows, columns=columns).assign(problem="p", threads=1)


def test_it_is_the_wider_side_of_the_interval_of_the_ratio_to_the_fastest() -> None:
    """The fastest is b: a takes 1.25 times as long, within 1.0 and 1.375 times; c twice, within 1.9 and 2.1."""
    found = visible_percent(
        pairs(("a", "b", 0.8, 1 / 1.375, 1.0), ("a", "c", 1.6, 0.1, 9.0), ("b", "c", 2.0, 1.9, 2.1)), {("p", 1): "b"}
    )
    assert found == {
        ("p", 1, "a"): pytest.approx(25.0),
        ("p", 1, "b"): pytest.approx(25.0),  # to a, who is nearest
        ("p", 1, "c"): pytest.approx(100 * (2.0 / 1.9 - 1)),
    }


def test_no_bound_is_infinite_and_nobody_beside_it_is_no_entry() -> None:
    assert visible_percent(pairs(("a", "b", 1.0, 0.0, 9.0)), {("p", 1): "a"})["p", 1, "b"] == math.inf
    assert visible_percent(pairs(), {("p", 1): "a"}) == {}
    assert visible_percent(pairs(("a", "b", 1.0, 0.5, 2.0)), {("q", 1): "a"}) == {}
