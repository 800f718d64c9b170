"""How likely a rare fault is found, by the calls that are looked at."""

from __future__ import annotations

import pytest

from pointwise_bench.suites.harness.design import chances
from pointwise_bench.suites.harness.design.policy import POLICY


def test_a_fault_is_found_where_one_of_the_calls_has_it() -> None:
    assert chances.found(2, 1) == 0.5
    assert chances.found(2, 3) == 0.875
    assert chances.found(300, 300) == pytest.approx(0.633, abs=0.001)


def test_short_calls_are_looked_at_as_often_as_is_allowed_and_long_ones_for_as_long() -> None:
    looks = POLICY.rounds.usual / POLICY.gate.shown_in + 1
    assert chances.looked_at(1e-6) == 3 * (looks + POLICY.gate.most_audited)
    assert chances.looked_at(1e-3) == pytest.approx(3 * (looks + 40))
    assert chances.looked_at(0.1, rounds=8, starts=1) == pytest.approx(1 + 1 + 1)  # of calls longer than a turn


def test_a_suspect_is_searched_until_one_in_300_is_found() -> None:
    assert chances.found(300, chances.searched(0.004)) > 0.998
    assert chances.searched(0.1) == pytest.approx(100)
