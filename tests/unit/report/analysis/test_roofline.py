"""Ceilings of a machine and the least time of a problem under them, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from make_run import CEILINGS

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.roofline import Roof, Roofs

# 1 x 64 x 28 x 28 to 128 channels: 6,422,528 multiply-adds; 50,176 + 8,192 + 100,352 numbers of four bytes.
WIDE = Problem.parse("n1c64h28w28-o128")
WIDE_FLOPS, WIDE_BYTES = 12_845_056, 634_880


def phase(threads: int = 1, **changed: Any) -> dict[str, Any]:
    """An entry of ``ceilings`` as the table of run.json reads it."""
    return {"threads": threads, "fma_peak_flops": {}, "triad_bytes_per_s": None, "bandwidth": ()} | changed


def test_bandwidth_follows_the_ladder_and_ends_at_dram() -> None:
    ceilings = Roofs.of({"ceilings": CEILINGS})
    assert ceilings.bandwidth(2**10, 1) == pytest.approx(100e9)
    assert ceilings.bandwidth(2**17, 1) == pytest.approx(math.sqrt(100e9 * 40e9))
    assert ceilings.bandwidth(2**25, 1) == pytest.approx(10e9)
    assert ceilings.bandwidth(2**25, 2) is None


def test_on_a_rung_and_at_the_end_of_the_ladder_the_rung_counts() -> None:
    ceilings = Roofs.of({"ceilings": CEILINGS})
    assert ceilings.bandwidth(2**20, 1) == pytest.approx(40e9)
    assert ceilings.bandwidth(2**24, 1) == pytest.approx(20e9)
    assert ceilings.bandwidth(2**24 + 1, 1) == pytest.approx(10e9)
    assert ceilings.bandwidth(0, 1) == pytest.approx(100e9)


def test_without_dram_the_last_rung_goes_on_and_without_rungs_dram_is_all() -> None:
    no_dram = Roofs.of({"ceilings": [phase(bandwidth=[[2**10, 8e9], [2**20, 2e9]])]})
    assert no_dram.bandwidth(2**30, 1) == pytest.approx(2e9)
    no_rungs = Roofs.of({"ceilings": [phase(triad_bytes_per_s=3e9)]})
    assert [no_rungs.bandwidth(size, 1) for size in (1, 2**30)] == [3e9, 3e9]


def test_the_best_of_all_phases_is_the_ceiling() -> None:
    phases = [
        phase(fma_peak_flops={"float32": 5.0, "float64": 9.0}, triad_bytes_per_s=2.0, bandwidth=[[8, 7.0], [16, 1.0]]),
        phase(
            fma_peak_flops={"float32": 6.0, "float64": None}, triad_bytes_per_s=None, bandwidth=[[8, 3.0], [16, 4.0]]
        ),
        phase(2, fma_peak_flops={"float32": 11.0}),
    ]
    ceilings = Roofs.of({"ceilings": phases})
    assert ceilings.peaks == {("float32", 1): 6.0, ("float64", 1): 9.0, ("float32", 2): 11.0}
    assert ceilings.ladders == {1: ((8, 7.0), (16, 4.0))}
    assert ceilings.triads == {1: 2.0}


def test_what_was_not_measured_is_not_there() -> None:
    assert Roofs.of({}) == Roofs({}, {}, {})
    nothing = phase(fma_peak_flops={"float32": 0.0}, triad_bytes_per_s=0.0, bandwidth=[[8, None]])
    assert Roofs.of({"ceilings": [nothing]}) == Roofs({}, {}, {})


def test_a_roof_is_the_longer_of_computing_and_moving() -> None:
    assert (WIDE.flops, WIDE.min_bytes) == (WIDE_FLOPS, WIDE_BYTES)
    roofs = Roofs({("float32", 1): 1e9}, {}, {1: 1e9})
    assert roofs.roof(WIDE, 1) == Roof(WIDE_FLOPS / 1e9, "compute")
    slow_memory = Roofs({("float32", 1): 1e9}, {}, {1: 1e7})
    assert slow_memory.roof(WIDE, 1) == Roof(WIDE_BYTES / 1e7, "memory")


def test_there_is_no_roof_where_half_of_it_is_unknown() -> None:
    assert Roofs({("float32", 1): 1e9}, {}, {}).roof(WIDE, 1) is None
    assert Roofs({("float64", 1): 1e9}, {}, {1: 1e9}).roof(WIDE, 1) is None
    assert Roofs({("float32", 2): 1e9}, {}, {2: 1e9}).roof(WIDE, 1) is None


LADDERS = st.dictionaries(st.integers(1, 2**40), st.floats(1.0, 1e13), min_size=1, max_size=6)


# 150 examples of ladders with up to six rungs: a size lies before, on, between and behind rungs in many of them.
@settings(max_examples=150, deadline=None)
@given(LADDERS, st.integers(1, 2**42))
def test_between_two_rungs_the_bandwidth_is_between_theirs(ladder: dict[int, float], size: int) -> None:
    rungs = tuple(sorted((float(at), speed) for at, speed in ladder.items()))
    found = Roofs({}, {1: rungs}, {}).bandwidth(size, 1)
    below = [speed for at, speed in rungs if at <= size] or [rungs[0][1]]
    above = [speed for at, speed in rungs if at >= size] or [rungs[-1][1]]
    ends = sorted((below[-1], above[0]))
    assert found is not None
    assert ends[0] * (1 - 1e-9) <= found <= ends[1] * (1 + 1e-9)
