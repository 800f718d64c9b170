"""What looks cost: exact prices, and that they add up."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pointwise_bench.common.verdict_rule import PLANNED_STARTS
from pointwise_bench.report.statistics.looks import PRICE_OF_ORDER, price_of_look


def test_every_look_of_a_screened_run_has_its_price() -> None:
    assert [price_of_look(starts, 1) for starts in (1, 2, 3, 4, 24)] == [12, 6, 4, 8, 4 * 21 * 22]


def test_however_many_looks_there_are_the_shares_stay_below_the_whole() -> None:
    shares = [Fraction(1, price_of_look(starts, 1)) for starts in range(1, 1001)]
    assert sum(shares) + Fraction(1, PRICE_OF_ORDER) == 1 - Fraction(1, 4 * 998)


def test_a_run_that_is_judged_at_three_starts_pays_nothing_for_the_first_look() -> None:
    """As every run that is recorded: the fourth start is the second look."""
    assert [price_of_look(starts, PLANNED_STARTS) for starts in (1, 2, 3, 4, 6)] == [1, 1, 1, 2, 4]


def test_a_run_that_is_judged_later_than_planned_pays_nothing_for_its_first_look_either() -> None:
    assert [price_of_look(starts, PLANNED_STARTS + 2) for starts in (4, 5, 6)] == [1, 1, 2]


@pytest.mark.parametrize("first_look", [1, 2, 3])
def test_a_pair_without_a_start_is_not_cheaper_than_the_first_look(first_look: int) -> None:
    assert price_of_look(0, first_look) == price_of_look(first_look, first_look)
