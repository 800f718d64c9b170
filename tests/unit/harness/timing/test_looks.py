"""Looks at results of a turn: how many are taken, that each may be, and that what is taken is what was returned."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from pointwise_bench.suites.harness.memory.committed_result import committed
from pointwise_bench.suites.harness.memory.input_windows import where
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing import looks as looks_module
from pointwise_bench.suites.harness.timing.looks import (
    LEAST_SHOWN,
    LOOKED_IN,
    Awaited,
    Looks,
    end_of_interval,
    is_drawn,
    limit_of,
)


def read(copied: Any, result: Any) -> Any:
    assert copied is None  # a list is none of NumPy's arrays
    return np.asarray(result)


ALL = b"\xff" * 4


def test_what_was_taken_last_is_handed_over_once_with_its_line() -> None:
    looks = Looks(read)
    looks.consider([1.0], 7, ALL)
    looks.consider([2.0], 9, ALL, renewals=3)
    taken = looks.hand_over()
    assert taken is not None
    assert committed(taken.descriptor, (1,), "float64").tolist() == [2.0]
    assert taken.line == where(9, renewals=3)
    os.close(taken.descriptor)
    assert looks.hand_over() is None
    looks.consider([1.0], None, ALL)
    looks.begin()  # another turn
    assert looks.hand_over() is None
    looks.consider([1.0], None, bytes(4))
    assert looks.hand_over() is None


def test_descriptors_of_what_is_not_handed_over_are_closed() -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("descriptors are counted in /proc")
    before = len(list(descriptors.iterdir()))
    looks = Looks(read)
    for _ in range(20):
        looks.consider([1.0], None, ALL)
        looks.begin()
    assert len(list(descriptors.iterdir())) == before


@pytest.mark.parametrize(
    ("results", "calls", "share"), [(1, 1, 1 / LOOKED_IN), (1, 100, 0.01 / LOOKED_IN), (40, 1, 1.0)]
)
def test_a_limit_is_the_share_of_draws_below_it(results: int, calls: int, share: float) -> None:
    assert int.from_bytes(limit_of(results, calls), "big") / 2**32 == pytest.approx(share, rel=1e-4)


def test_what_lies_in_a_result_is_copied_before_anybody_is_asked() -> None:
    first, second = np.zeros(3), np.ones(2)
    seen: list[Any] = []

    def lazy(copied: Any, result: Any) -> Any:
        seen.append(copied)
        first[...] = 7
        return first

    looks = Looks(lazy)
    looks.consider(first, None, ALL)
    looks.consider((first, second), None, ALL)
    looks.begin()
    assert seen[0].tolist() == [0, 0, 0]
    assert [part.tolist() for part in seen[1]] == [[7, 7, 7], [1, 1]]


def test_who_hands_over_no_look_at_all_is_refused_after_so_many_turns() -> None:
    awaited = Awaited()
    for _ in range(165):
        awaited.note(handed_over=False)
    with pytest.raises(WrongAnswer, match="keeps results of timed calls from being looked at: of 166 turns 0 have"):
        awaited.note(handed_over=False)


def test_who_keeps_back_a_half_is_refused_later_and_who_keeps_nothing_back_never() -> None:
    rng, honest, half = Random(5), Awaited(), Awaited()
    for _ in range(40_000):
        honest.note(handed_over=rng.random() < LEAST_SHOWN)
    with pytest.raises(WrongAnswer, match="where about"):
        for _ in range(2_000):
            half.note(handed_over=rng.random() < LEAST_SHOWN / 2)


@pytest.mark.parametrize(("interval", "calls"), [(1, 1), (1, 2), (1, 40), (7, 500), (50, 200), (2000, 8000)])
def test_a_turn_shows_a_result_as_often_as_is_awaited(interval: int, calls: int) -> None:
    """Whose calls each end an interval with the same chance, and are looked at then."""
    none = (1 - int.from_bytes(limit_of(interval, calls), "big") / 256**4 / interval) ** calls
    assert LEAST_SHOWN * (1 - 1e-6) <= 1 - none <= 1 / LOOKED_IN + 1e-6


@pytest.mark.parametrize("interval", [2, 40, 5000])
def test_each_of_the_calls_of_an_interval_ends_it_with_the_same_chance(
    interval: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks_module, "RAND_bytes", Random(5).randbytes)
    most, times = 4 * interval, 4000 if interval < 1000 else 400
    said = [np.fromiter(end_of_interval(interval, most), bool) for _ in range(times)]
    assert {len(each) for each in said} == {most}
    assert not any(each[0] for each in said), "before the first there is none"
    ends = [int(each.argmax()) or most for each in said]
    assert max(np.count_nonzero(each) for each in said) == 1
    after = [sum(end > calls for end in ends) / times for calls in (interval // 2, interval, 2 * interval)]
    assert after == pytest.approx(
        [(1 - 1 / interval) ** calls for calls in (interval // 2, interval, 2 * interval)], abs=0.08
    )
    assert sum(is_drawn(interval) for _ in range(20 * interval)) == pytest.approx(20, abs=15)
    assert list(end_of_interval(interval, 1)) == [False]
    assert is_drawn(1)
