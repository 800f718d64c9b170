"""Rounds of a claim's result: each with its name and the start of its worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from make_claims import PROCESS, STRIDE, claim_line, claims_of, module

from pointwise_bench.report.claims.paired_rounds import places, round_names, series_of_result


def test_starts_are_counted_and_rounds_have_a_place_in_their_start() -> None:
    """A worker that was replaced has another number; what counts is which rounds belong together."""
    starts, within = places(np.array([5, 5, 9, 5, 9, 2]))
    assert starts == [0, 0, 1, 0, 1, 2]
    assert within == [0, 1, 0, 2, 1, 0]
    assert round_names(np.array([5, 5, 9, 5, 9, 2])) == [0, 1, 1000, 2, 1001, 2000]
    assert round_names(np.array([], dtype=np.int64)) == []


# 100 examples of up to 60 rounds of up to five starts: a name that is given twice would pair two different rounds.
@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=60))
def test_no_two_rounds_have_one_name_and_the_numbers_of_starts_do_not_matter(process: list[int]) -> None:
    names = round_names(np.array(process, dtype=np.int64))
    assert len(set(names)) == len(process)
    renumbered = np.array([7 * number + 3 for number in process], dtype=np.int64)
    assert round_names(renumbered) == names


def test_the_series_of_a_variant_and_of_a_branch(tmp_path: Path) -> None:
    (result,) = claims_of(tmp_path, claim_line("stride", "a", STRIDE)).results
    series = series_of_result(result, "stride 2")
    assert np.exp(series.log_seconds[:2]) == pytest.approx(np.array([2e-3, 2.6e-3]))
    assert series.processes.tolist() == PROCESS
    assert series.rounds.tolist() == [0, 1, 2, 3, 4, 1000, 1001, 1002, 1003, 1004, 2000, 2001, 2002, 2003, 2004]


def test_the_series_of_a_branch_has_its_own_times(tmp_path: Path) -> None:
    (result,) = claims_of(tmp_path, module("3a", 2.0), names=("inception-3a",)).results
    first = {name: np.exp(series_of_result(result, name, "5x5").log_seconds[0]) for name in ("direct", "reduced")}
    assert first == pytest.approx({"direct": 5e-3, "reduced": 2.5e-3})
    assert np.exp(series_of_result(result, "direct").log_seconds[0]) == pytest.approx(10e-3)
