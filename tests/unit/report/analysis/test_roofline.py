"""Ceilings of a machine and the least time of a problem under them."""

from __future__ import annotations

import math

import pytest
from make_run import CEILINGS

from pointwise_bench.report.analysis.roofline import Roofs


def test_bandwidth_follows_the_ladder_and_ends_at_dram() -> None:
    ceilings = Roofs.of({"ceilings": CEILINGS})
    assert ceilings.bandwidth(2**10, 1) == pytest.approx(100e9)
    assert ceilings.bandwidth(2**17, 1) == pytest.approx(math.sqrt(100e9 * 40e9))
    assert ceilings.bandwidth(2**25, 1) == pytest.approx(10e9)
    assert ceilings.bandwidth(2**25, 2) is None
