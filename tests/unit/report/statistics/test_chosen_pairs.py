"""Which pairs are compared: every two of a few, and of many those with one of the fastest."""

from __future__ import annotations

import itertools

import pytest

from pointwise_bench.report.statistics import chosen_pairs as module
from pointwise_bench.report.statistics.chosen_pairs import MOST_AGAINST_ALL, chosen_pairs, every_two


def listed(seconds: list[float], always: tuple[int, ...] = ()) -> list[tuple[int, int]]:
    first, second = chosen_pairs(seconds, always)
    return list(zip(first.tolist(), second.tolist(), strict=True))


def test_of_a_few_every_two_are_compared() -> None:
    first, second = every_two(4)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == list(itertools.combinations(range(4), 2))
    assert listed([1.0] * MOST_AGAINST_ALL) == list(itertools.combinations(range(MOST_AGAINST_ALL), 2))
    assert listed([]) == []


def test_of_many_those_with_one_of_the_fastest_or_of_those_asked_for_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AGAINST_ALL", 2)
    assert listed([5.0, 1.0, 4.0, 2.0, 3.0]) == [(0, 1), (0, 3), (1, 2), (1, 3), (1, 4), (2, 3), (3, 4)]
    assert listed([5.0, 1.0, 4.0, 2.0, 3.0], (0,)) == [
        *((0, 1), (0, 2), (0, 3), (0, 4)),
        *((1, 2), (1, 3), (1, 4), (2, 3), (3, 4)),
    ]


def test_of_equals_the_first_are_taken_and_pairs_grow_with_the_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AGAINST_ALL", 3)
    assert listed([1.0] * 5) == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4)]
    assert [len(chosen_pairs([1.0] * size)[0]) for size in (10, 20, 40)] == [24, 54, 114]
