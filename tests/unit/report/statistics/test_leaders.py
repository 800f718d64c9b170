"""Who leads: by the verdicts on all pairs, and never for want of evidence alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pointwise_bench.report.statistics.leaders import Leaders, leaders_of, named
from pointwise_bench.report.statistics.verdicts import Pairs, Series, pair_up


def judged(count: int, verdicts: dict[tuple[int, int], str], ratios: dict[tuple[int, int], float]) -> Pairs:
    """Pairs of ``count`` equal series whose verdicts and ratios are replaced; the others are undecided."""
    pairs = pair_up([Series.of([1.0] * 9, range(9), [0] * 9)] * count)
    for place, key in enumerate(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)):
        pairs.verdict[place] = verdicts.get(key, "undecided")
        pairs.ratio[place] = ratios.get(key, 1.0)
    return pairs


def found(
    count: int, verdicts: dict[tuple[int, int], str], ratios: dict[tuple[int, int], float]
) -> tuple[set[int], set[int]]:
    leaders = leaders_of(count, judged(count, verdicts, ratios))
    return set(leaders.leaders), set(leaders.undecided)


def test_nobody_and_one_alone() -> None:
    assert leaders_of(0, pair_up([])) == Leaders(frozenset(), frozenset())
    assert leaders_of(1, pair_up([Series.of([1.0], [0], [0])])) == Leaders(frozenset({0}), frozenset())


@pytest.mark.parametrize(("verdict", "ratio", "leader"), [("faster", 2.0, 0), ("slower", 0.5, 1)])
def test_of_two_the_faster_leads(verdict: str, ratio: float, leader: int) -> None:
    leaders = leaders_of(2, judged(2, {(0, 1): verdict}, {(0, 1): ratio}))
    assert leaders == Leaders(frozenset({leader}), frozenset())
    assert leaders.settled


def test_who_is_the_same_as_the_fastest_leads_with_it() -> None:
    assert found(3, {(0, 1): "same", (0, 2): "faster", (1, 2): "faster"}, {(0, 1): 1.01, (0, 2): 2, (1, 2): 2}) == (
        {0, 1},
        set(),
    )


def test_far_off_for_want_of_evidence_is_no_leader() -> None:
    """Three times as slow in the middle, in two rounds: it can still be the fastest, and that is all."""
    rounds = [31, 31, 2]
    series = [
        Series.of(np.full(count, seconds), np.arange(count), np.arange(count) % 3)
        for seconds, count in zip((1.0, 1.001, 3.0), rounds, strict=True)
    ]
    leaders = leaders_of(3, pair_up(series))
    assert leaders == Leaders(frozenset({0, 1}), frozenset({2}))
    assert leaders.contenders == {0, 1, 2}
    assert not leaders.settled


def test_the_fastest_is_ahead_of_most_in_the_middle_though_nothing_is_decided() -> None:
    assert found(3, {}, {(0, 1): 0.9, (0, 2): 0.8, (1, 2): 0.95}) == ({2}, {0, 1})


def test_who_is_the_same_as_the_fastest_and_slower_than_another_such_has_lost() -> None:
    """One per cent ahead, the fastest of most, and one and a half behind: the last is beaten by the first."""
    verdicts = {(0, 1): "same", (1, 2): "same", (0, 2): "faster"}
    assert found(3, verdicts, {(0, 1): 0.99, (1, 2): 1.015, (0, 2): 1.025}) == ({0, 1}, set())


def test_nobody_who_is_decidedly_beaten_is_the_fastest() -> None:
    """Ahead of two others in the middle, and beaten by a third that few rounds show behind them."""
    verdicts = {(0, 3): "slower"}
    ratios = {(0, 1): 1.1, (0, 2): 1.1, (0, 3): 0.9, (1, 3): 1.1, (2, 3): 1.1, (1, 2): 1.1}
    assert found(4, verdicts, ratios) == ({1}, {2, 3})


def test_beaten_in_a_circle_the_first_of_those_ahead_of_most_leads() -> None:
    assert found(3, {(0, 1): "faster", (1, 2): "faster", (0, 2): "slower"}, {(0, 1): 2, (1, 2): 2, (0, 2): 0.5}) == (
        {0},
        set(),
    )


def test_who_alone_is_not_beaten_leads_though_it_is_behind_all_others_in_the_middle() -> None:
    """The three others beat each other in a circle; of the fourth too few rounds are known to decide anything."""
    verdicts = {(0, 1): "faster", (1, 2): "faster", (0, 2): "slower"}
    ratios = {(0, 1): 2, (1, 2): 2, (0, 2): 0.5, (0, 3): 1.1, (1, 3): 1.1, (2, 3): 1.1}
    assert found(4, verdicts, ratios) == ({3}, set())


def test_who_is_level_with_others_is_not_ahead_of_them() -> None:
    """The second and the third are each ahead of one; the first is level with two, and behind the second."""
    assert found(4, {}, {(0, 1): 0.9, (1, 2): 0.9}) == ({1}, {0, 2, 3})


def test_leaders_have_the_names_of_their_series() -> None:
    names: Sequence[str] = ("a", "b", "c")
    assert named(Leaders(frozenset({2}), frozenset({0})), names) == Leaders(frozenset({"c"}), frozenset({"a"}))
