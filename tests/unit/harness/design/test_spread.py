"""Problems that stand for a selection."""

from __future__ import annotations

from itertools import product

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design.spread import spread


def of(channels: int, size: int) -> Problem:
    return Problem(batch=1, in_channels=channels, out_channels=channels, height=size, width=size)


GRID = [of(channels, size) for channels, size in product((16, 32, 64, 128, 256), (7, 14, 28, 56, 112))]


def test_the_first_is_the_middle_and_the_next_are_the_ends() -> None:
    chosen = [GRID[place] for place in spread(GRID, 5)]
    assert chosen[0] == of(64, 28)
    assert set(chosen[1:]) == {of(16, 7), of(16, 112), of(256, 7), of(256, 112)}


def test_each_is_chosen_once_and_all_where_no_number_is_given() -> None:
    assert sorted(spread(GRID)) == list(range(len(GRID)))
    assert len(spread(GRID, 7)) == len(set(spread(GRID, 7))) == 7
    assert sorted(spread(GRID[:2], 9)) == [0, 1]


def test_problems_of_one_size_and_none_at_all() -> None:
    assert sorted(spread([of(8, 8)] * 3)) == [0, 1, 2]
    assert spread([]) == []
