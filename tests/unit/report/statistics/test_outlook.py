"""How many more starts would settle who leads: held against hand-made intervals, and against starts that are drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pointwise_bench.report.statistics.leaders import Leaders, leaders_of
from pointwise_bench.report.statistics.outlook import Intervals, more_starts
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.verdicts import Series, pair_up


def intervals(rows: dict[tuple[int, int], tuple[float, float, int]], by_order: float = math.inf) -> Intervals:
    """By pair: the middle, the half-width and the starts."""
    middle, half, starts = (np.array(column) for column in zip(*rows.values(), strict=True))
    first, second = np.array(list(rows)).T
    return Intervals(first, second, middle, middle - half, middle + half, starts, np.full(starts.shape, by_order))


def undecided(*names: int) -> Leaders[int]:
    return Leaders(frozenset({0}), frozenset(names))


@pytest.mark.parametrize(
    ("middle", "half", "starts", "more"),
    [
        (0.10, 0.20, 1, 3),  # twice as wide as far: four times the starts
        (-0.10, 0.20, 1, 3),
        (0.10, 0.20, 2, 6),
        (0.10, 0.15, 4, 5),  # one and a half times: two and a quarter times the starts
        (0.10, 0.09, 3, 1),  # told apart already, as far as this pair goes
        (0.0, math.log(1.02) * 3, 2, 16),  # nine times the starts until it is the same
        (0.0198, 0.10, 1, 9999),  # on the margin: as good as never
    ],
)
def test_by_hand(middle: float, half: float, starts: int, more: int) -> None:
    assert more_starts(undecided(1), intervals({(0, 1): (middle, half, starts)})) == more


def test_starts_of_two_kinds_are_told_by_their_order_and_equality_is_not() -> None:
    assert more_starts(undecided(1), intervals({(0, 1): (0.10, 0.50, 4)}, by_order=7)) == 7
    assert more_starts(undecided(1), intervals({(0, 1): (0.10, 0.15, 4)}, by_order=7)) == 5
    assert more_starts(undecided(1), intervals({(0, 1): (0.0, math.log(1.02) * 3, 2)}, by_order=7)) == 16


def test_settled_leaders_need_nothing() -> None:
    assert more_starts(undecided(), intervals({(0, 1): (0.0, 1.0, 1)})) == 0


def test_the_slowest_of_the_undecided_counts_and_the_best_of_the_leaders() -> None:
    pairs = intervals({(0, 1): (0.1, 0.2, 1), (0, 2): (0.1, 0.3, 1), (1, 2): (0.0, 9.0, 1)})
    assert more_starts(undecided(1, 2), pairs) == 8
    both = Leaders(frozenset({0, 1}), frozenset({2}))
    assert more_starts(both, intervals({(0, 1): (0.0, 0.01, 1), (0, 2): (0.1, 9.0, 1), (1, 2): (0.1, 0.2, 1)})) == 3


def test_who_never_met_a_leader_is_as_good_as_never_told() -> None:
    assert more_starts(undecided(1), intervals({(0, 1): (0.0, 0.0, 0)})) == 1_000_000


def test_a_guess_from_two_starts_is_near_what_it_takes() -> None:
    """A pair 6 % apart whose starts shift by 1.5 %: the guess from two starts, and the starts that it really took."""
    generator = np.random.default_rng(4)
    known = Disagreement(start_sd=0.015, first_look=1)

    def series(starts: int) -> list[Series]:
        process = np.repeat(np.arange(starts), 12)
        shifts = drawn[:, :starts][:, process]
        return [
            Series(math.log(speed) + shift + noise[: process.size], np.arange(process.size), process)
            for speed, shift, noise in zip((1, 1.06), shifts, rounds, strict=True)
        ]

    guessed, took = [], []
    for _ in range(40):
        drawn = generator.normal(0, 0.015 / math.sqrt(2), (2, 12))
        rounds = generator.normal(0, 0.01, (2, 12 * 12))
        pairs = pair_up(series(2), usual=known)
        found = leaders_of(2, pairs)
        middle, low, high = (np.log(column) for column in (pairs.ratio, pairs.low, pairs.high))
        measured = Intervals(pairs.first, pairs.second, middle, low, high, pairs.starts, pairs.by_order)
        guessed.append(2 + more_starts(found, measured))
        took.append(next(n for n in range(2, 13) if leaders_of(2, pair_up(series(n), usual=known)).settled))
    assert np.median(guessed) == pytest.approx(np.median(took), abs=1)
