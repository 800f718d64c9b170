"""What ate a gain: parts that add up to what was lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from make_claims import STRIDE, claim_line, described, gains_of, halves, read_lines

from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.claims.gains import gains
from pointwise_bench.report.claims.shortfall import Shortfall, shortfall


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


# --- claims described by hand -------------------------------------------------------------------------------------

NOWHERE = Roofs({}, {}, {})
PATCHES, CROSSING, RELU = "gathering patches", "handing arrays to the backend and back", "the ReLU apart"
CALLS, BANDWIDTH, RATE = "the cost of a call", "bandwidth", "a lower rate of the products themselves"


def eaten(folder: Path, half: dict[str, float], roofs: Roofs = NOWHERE, **changed: Any) -> Shortfall:
    """What ate a gain of 2 of which both branches took 1 ms, of products alone, and each half ``half`` by step."""
    steps = {
        "whole": {branch: {"product": 1e-3} for branch in ("left", "right")},
        "half": dict.fromkeys(("left", "right"), half),
    }
    line = claim_line("one", "a", steps, **({"smallest_call_s": None} | changed))
    (gain, *_) = gains(read_lines(folder, [described("one")], line))
    found = shortfall(gain, roofs)
    assert found is not None
    return found


def test_steps_that_the_first_way_has_not_are_lost_whole(tmp_path: Path) -> None:
    """Half of 2 ms is left; 2 * (0.5 + 0.1 + 0.3 + 0.05) = 1.9 ms were taken, so that 0.9 are lost."""
    found = eaten(tmp_path, {"product": 0.5e-3, "patches": 0.1e-3, "crossing": 0.3e-3, "relu": 0.05e-3})
    assert found.lost_s == pytest.approx(0.9e-3)
    assert dict(found.parts) == pytest.approx({CROSSING: 0.6 / 0.9, PATCHES: 0.2 / 0.9, RELU: 0.1 / 0.9})
    assert [what for what, _ in found.parts] == [CROSSING, PATCHES, RELU]  # the largest first
    assert found.sentence == f"{CROSSING} (67%), {PATCHES} (22%) and {RELU} (11%)"


def test_calls_are_as_many_as_products_and_take_what_the_smallest_took(tmp_path: Path) -> None:
    """Two calls each, of 0.1 ms: 0.2 ms, of which half of the first way's 0.2 is expected; of 0.4 ms lost in all."""
    found = eaten(tmp_path, {"product": 0.7e-3}, smallest_call_s=0.1e-3)
    assert found.lost_s == pytest.approx(0.4e-3)
    assert dict(found.parts) == pytest.approx({CALLS: 0.1 / 0.4, RATE: 0.3 / 0.4})


def test_calls_cannot_take_more_than_the_products_lost(tmp_path: Path) -> None:
    found = eaten(tmp_path, {"product": 0.6e-3}, smallest_call_s=0.9e-3)
    assert dict(found.parts) == pytest.approx({CALLS: 1.0})


def test_bandwidth_is_the_time_by_which_memory_is_slower_than_arithmetic(tmp_path: Path) -> None:
    """At 20.48 MFLOP/s and 5.12 MB/s a whole product computes for 0.2 ms and moves for 0.4: 0.2 ms of waiting.

    A half computes for 0.1 and moves for 0.25: 0.15 ms. Two of each: 0.3 less half of 0.4 is 0.1 ms, of 0.4 ms lost.
    """
    roofs = Roofs({("float32", 1): 20.48e6}, {}, {1: 5.12e6})
    found = eaten(tmp_path, {"product": 0.7e-3}, roofs)
    assert dict(found.parts) == pytest.approx({BANDWIDTH: 0.1 / 0.4, RATE: 0.3 / 0.4})
    # At 8.192 MFLOP/s arithmetic takes as long as memory or longer, 0.5 and 0.25 ms: nothing waits.
    arithmetic = Roofs({("float32", 1): 8.192e6}, {}, {1: 5.12e6})
    assert dict(eaten(tmp_path, {"product": 0.7e-3}, arithmetic).parts) == pytest.approx({RATE: 1.0})
    # Of another thread budget nothing is known.
    assert dict(eaten(tmp_path, {"product": 0.7e-3}, roofs, threads=2).parts) == pytest.approx({RATE: 1.0})


def test_of_a_gain_that_bytes_predict_the_rest_is_arithmetic(tmp_path: Path) -> None:
    line = halves("one", "a", 0.9e-3, 0.9e-3, smallest_call_s=None)
    (gain, *_) = gains(read_lines(tmp_path, [described("one", by="bytes")], line))
    found = shortfall(gain, NOWHERE)
    assert found is not None
    assert [what for what, _ in found.parts] == ["arithmetic, of which there is as much in both ways"]


def test_a_branch_lost_what_its_own_steps_took(tmp_path: Path) -> None:
    """The left one took 0.9 ms of its 0.5; what the right one did is none of its business."""
    line = halves("one", "a", 0.9e-3, 0.4e-3, smallest_call_s=None)
    by_branch = {gain.branch: gain for gain in gains(read_lines(tmp_path, [described("one")], line))}
    left = shortfall(by_branch["left"], NOWHERE)
    assert left is not None
    assert left.lost_s == pytest.approx(0.4e-3)
    assert shortfall(by_branch["right"], NOWHERE) is None


def test_a_total_lost_what_all_of_its_claims_lost(tmp_path: Path) -> None:
    """0.8 + 0.8 and 0.6 + 0.6 ms, of 1 ms each: 0.8 ms lost."""
    claims = [described("one", total="both"), described("two", total="both")]
    lines = [
        halves("one", "a", 0.8e-3, 0.8e-3, smallest_call_s=None),
        halves("two", "a", 0.6e-3, 0.6e-3, smallest_call_s=None),
    ]
    (total,) = [gain for gain in gains(read_lines(tmp_path, claims, *lines)) if gain.title == "both"]
    found = shortfall(total, NOWHERE)
    assert found is not None
    assert found.lost_s == pytest.approx(0.8e-3)


def test_where_steps_do_not_explain_what_the_rounds_lost_nothing_is_said(tmp_path: Path) -> None:
    """The rounds fell short, but the steps, timed on their own, did not."""
    line = halves("one", "a", 0.9e-3, 0.9e-3)
    line["steps_s"] = line["steps_s"] | {"half": {branch: {"product": 0.4e-3} for branch in ("left", "right")}}
    (gain, *_) = gains(read_lines(tmp_path, [described("one")], line))
    assert gain.against_prediction == "short of it"
    assert shortfall(gain, NOWHERE) is None


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((("a", 0.95), ("b", 0.05)), "a (95%) and b (5%)"),
        ((("a", 0.951), ("b", 0.049)), "a (95%)"),
        ((), "nothing that was measured apart"),
    ],
)
def test_a_part_below_five_percent_is_not_named(parts: tuple[tuple[str, float], ...], said: str) -> None:
    assert Shortfall(1.0, parts).sentence == said


SECONDS = st.floats(1e-5, 1e-3)


# 60 examples: shares are quotients of one list by its own sum, which any of them would show to be wrong.
@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["product", "patches", "crossing", "relu"]), SECONDS, min_size=1), SECONDS)
def test_shares_add_up_to_one_the_largest_first(
    tmp_path_factory: pytest.TempPathFactory, half: dict[str, float], call_s: float
) -> None:
    slow = half | {"product": half.get("product", 0.0) + 0.6e-3}
    roofs = Roofs({("float32", 1): 20.48e6}, {}, {1: 5.12e6})
    found = eaten(tmp_path_factory.mktemp("claims"), slow, roofs, smallest_call_s=call_s)
    shares = [share for _, share in found.parts]
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)
    assert min(shares) > 0
