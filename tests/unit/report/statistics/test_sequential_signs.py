"""The sign test over starts that may be looked at after each: by hand, beside tables, and how often it errs in all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pointwise_bench.report.statistics.order_statistics import interval_index
from pointwise_bench.report.statistics.sequential_signs import more_to_tell, sequential_index

ALPHAS = (0.0125, 0.01, 0.001)


@pytest.mark.parametrize(("alpha", "starts"), [*zip(ALPHAS, (8, 9, 12), strict=True)])
def test_so_many_starts_on_one_side_tell(alpha: float, starts: int) -> None:
    assert sequential_index(starts - 1, alpha) is None
    assert sequential_index(starts, alpha) == 0


def test_the_stake_by_hand() -> None:
    """Two starts on one side: four times half of what a win of nine in nine and a half each earns, and of a loss."""
    won = 9 / 9.5 * 10 / 10.5
    lost = 0.5 / 9.5 * 1.5 / 10.5
    stake = 4 * (won + lost) / 2
    assert sequential_index(2, 1 / stake * 1.001) == 0
    assert sequential_index(2, 1 / stake * 0.999) is None


@pytest.mark.parametrize("alpha", ALPHAS)
def test_it_is_never_sharper_than_the_test_of_a_single_look_and_nearly_as_sharp(alpha: float) -> None:
    for starts in range(1, 101):
        once, always = interval_index(starts, alpha), sequential_index(starts, alpha)
        assert always is None or (once is not None and always <= once)
        assert once is None or once < 4 or (always is not None and always >= once - 4 - starts // 20)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_at_no_number_of_starts_a_median_is_missed_more_often_than_allowed(alpha: float) -> None:
    """20,000 pairs of a hundred starts each, looked at after every one: three standard deviations are 0.5 %."""
    sides = np.random.default_rng(3).random((20_000, 100)) < 0.5
    wins = sides.cumsum(axis=1)
    missed = np.zeros(len(sides), dtype=np.bool_)
    for starts in range(1, 101):
        index = sequential_index(starts, alpha)
        if index is not None:
            fewer = np.minimum(wins[:, starts - 1], starts - wins[:, starts - 1])
            missed |= fewer <= index
    assert alpha / 4 < missed.mean() < alpha + 3 * math.sqrt(alpha / len(sides))


def test_how_many_more_would_tell() -> None:
    assert more_to_tell(3, 0, 0.0125) == 5
    assert more_to_tell(8, 0, 0.0125) == 0
    assert more_to_tell(8, 1, 0.0125) == 6
    assert more_to_tell(20, 10, 0.0125) > 20
    assert more_to_tell(100, 50, 0.0125) == 54
    assert more_to_tell(100, 80, 0.0125) == math.inf
