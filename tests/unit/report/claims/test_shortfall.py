"""What ate a gain: parts that add up to what was lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_claims import STRIDE, claim_line, gains_of

from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.claims.shortfall import shortfall


def test_what_ate_a_gain_adds_up_to_it(tmp_path: Path) -> None:
    (gain,) = gains_of(tmp_path, claim_line("stride", "a", STRIDE))
    found = shortfall(gain, Roofs({}, {}, {}))
    assert found is not None
    # 5 ms over 4 leaves 1.25 ms; 2 ms are 0.75 ms more. The product alone takes 1 ms more than a quarter.
    assert found.lost_s == pytest.approx(0.75e-3)
    # Two things that the stride saves, the crossing and the subsampling, make up for some of that.
    shares = dict(found.parts)
    assert shares["a lower rate of the products themselves"] == pytest.approx((1e-3 - 0.75e-6) / 1e-3)
    assert shares["the cost of a call"] == pytest.approx(0.75e-6 / 1e-3)
    assert sum(shares.values()) == pytest.approx(1)


def test_bandwidth_is_named_where_the_roof_of_the_product_is_memory(tmp_path: Path) -> None:
    (gain,) = gains_of(tmp_path, claim_line("stride", "a", STRIDE))
    slow_memory = Roofs({("float32", 1): 1e15}, {}, {1: 1e9})
    # 1,335,296 bytes remain of 4,947,968: more than a quarter, at 1 GB/s.
    expected = (1_335_296 - 4_947_968 / 4) / 1e9 / 1e-3
    found = shortfall(gain, slow_memory)
    assert found is not None
    assert dict(found.parts)["bandwidth"] == pytest.approx(expected, rel=1e-3)
