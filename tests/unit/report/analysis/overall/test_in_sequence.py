"""A network's layers in one pass: the run's own passes, with an interval that holds what they scatter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import run_of
from places import ROOT

from pointwise_bench.report.analysis.network_totals import Ratio, Total
from pointwise_bench.report.analysis.overall.in_sequence import MeasuredPasses, passes_of
from pointwise_bench.report.reading.run import Run


def run_with(tmp_path: Path, ratios: list[float], **changed: Any) -> Run:
    alone = [1e-3 * (1 + number % 3) for number in range(len(ratios))]  # a machine whose speed changes
    passes = {
        "group": "net",
        "threads": 2,
        "backend": "a",
        "alone_s": alone,
        "sequence_s": [one * ratio for one, ratio in zip(alone, ratios, strict=True)],
    }
    return run_of(tmp_path, [], in_sequence=[passes | changed])


def test_the_ratio_is_the_median_of_rounds_with_the_interval_of_the_sign_test(tmp_path: Path) -> None:
    """Of nine the second and the eighth: the outer ones may be anything."""
    found = passes_of(run_with(tmp_path, [1.4, 1.1, 9.0, 1.3, 1.5, 0.2, 1.2, 1.6, 1.7]), "net", 2, "a")
    assert found is not None
    assert found.over_sum == pytest.approx((1.4, 1.1, 1.7))
    assert found.rounds == 9
    assert found.seconds == pytest.approx(2.2e-3)  # of the second round, whose sum was 2 ms


def test_of_as_few_as_have_an_interval_it_is_the_range_and_of_fewer_nothing_is_known(tmp_path: Path) -> None:
    found = passes_of(run_with(tmp_path / "six", [1.1, 1.2, 1.3, 1.4, 1.5, 1.6]), "net", 2, "a")
    assert found is not None
    assert found.over_sum == pytest.approx((1.35, 1.1, 1.6))
    assert passes_of(run_with(tmp_path / "five", [1.1, 1.2, 1.3, 1.4, 1.5]), "net", 2, "a") is None


def test_of_two_the_later_one_counts(tmp_path: Path) -> None:
    few, more = (
        run_with(tmp_path / str(rounds), [over] * rounds).settings["in_sequence"][0]
        for rounds, over in ((5, 1.1), (9, 1.5))
    )
    found = passes_of(run_of(tmp_path / "both", [], in_sequence=[few, more]), "net", 2, "a")
    assert found is not None
    assert found.over_sum.ratio == pytest.approx(1.5)
    assert found.rounds == 9
    assert passes_of(run_of(tmp_path / "turned", [], in_sequence=[more, few]), "net", 2, "a") is None


@pytest.mark.parametrize(("group", "threads", "backend"), [("other", 2, "a"), ("net", 1, "a"), ("net", 2, "b")])
def test_it_is_of_no_other_network_threads_or_backend(tmp_path: Path, group: str, threads: int, backend: str) -> None:
    assert passes_of(run_with(tmp_path, [1.5] * 9), group, threads, backend) is None


def test_what_is_expected_holds_the_ends_of_both() -> None:
    found = MeasuredPasses(Ratio(1.5, 1.4, 1.7), 9, 1e-3).expected(Total(2.0, 1.8, 2.3))
    assert (found.seconds, found.low, found.high) == pytest.approx((3.0, 2.52, 3.91))


def test_the_interval_holds_the_truth_as_often_as_it_says(tmp_path: Path) -> None:
    """Fifteen rounds of wide scatter, of which the median is known; 95 % of 200 runs and more."""
    rng, held = np.random.default_rng(1), 0
    for number in range(200):
        ratios = (1.5 * np.exp(rng.normal(0, 0.3, 15))).tolist()
        found = passes_of(run_with(tmp_path / str(number), ratios), "net", 2, "a")
        assert found is not None
        held += found.over_sum.low <= 1.5 <= found.over_sum.high
    assert held >= 186  # were it 95 %, fewer would be seen in one of fifty tries


def test_the_document_says_what_its_tables_of_two_machines_have() -> None:
    document = (ROOT / "docs/METHODOLOGY.md").read_text()
    row = r"^\| ([\w.]+ \| [\w-]+) \| [\d.]+ ms \| [\d.]+ ms \| ([\d.]+) \[([\d.]+), ([\d.]+)\] \|(.*)$"
    tables: tuple[dict[str, Ratio], ...] = ({}, {})
    for layers, ratio, low, high, more in re.findall(row, document, re.MULTILINE):
        tables[not more][layers] = Ratio(float(ratio), float(low), float(high))
    one, other = tables
    assert one.keys() == other.keys()
    assert len(one) == 12
    for table in tables:
        least, most = (100 * (end(each.ratio for each in table.values()) - 1) for end in (min, max))
        assert f" took {least:.0f} to {most:.0f} % longer" in document
    assert all(other[layers].ratio > one[layers].high for layers in one)
    assert sum(each.ratio > max(known.high for known in one.values()) for each in other.values()) == 6
