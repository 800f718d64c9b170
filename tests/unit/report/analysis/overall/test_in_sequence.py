"""A network's layers in one pass: what is expected has an interval, and rests on what METHODOLOGY shows."""

from __future__ import annotations

import re

import pytest
from places import ROOT

from pointwise_bench.report.analysis.network_totals import Ratio, Total
from pointwise_bench.report.analysis.overall.in_sequence import FOUND, factor, in_sequence


def test_the_factor_is_that_of_the_table_in_the_document() -> None:
    document = (ROOT / "docs/METHODOLOGY.md").read_text()
    row = r"^\| ([\w.]+) \| ([\w-]+) \| [\d.]+ ms \| [\d.]+ ms \| ([\d.]+) \[([\d.]+), ([\d.]+)\] \|"
    table = {
        (network, backend): Ratio(float(ratio), float(low), float(high))
        for network, backend, ratio, low, high in re.findall(row, document, re.MULTILINE)
    }
    assert table == FOUND
    least, most = (100 * (end(one.ratio for one in FOUND.values()) - 1) for end in (min, max))
    assert f"take {least:.0f} to {most:.0f} % longer in sequence" in document


def test_the_interval_holds_that_of_the_sum_and_that_of_the_factor() -> None:
    over = factor()
    assert over.low < 1 < over.ratio < over.high
    found = in_sequence(Total(2.0, 1.8, 2.3))
    assert found == pytest.approx((2 * over.ratio, 1.8 * over.low, 2.3 * over.high))
    # Each network that the factor was found on lies within what would have been said of it.
    assert all(over.low <= one.low and one.high <= over.high for one in FOUND.values())
