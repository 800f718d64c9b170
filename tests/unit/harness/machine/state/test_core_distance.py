"""A word handed round from core to core."""

from __future__ import annotations

import math
import time

import pytest

from pointwise_bench.common.cores import core_numbers
from pointwise_bench.suites.harness.machine.state import core_distance
from pointwise_bench.suites.harness.machine.state.core_distance import CoreDistance

needs_two = pytest.mark.skipif(len(core_numbers()) < 2, reason="there is one core only, and nothing to hand a word to")


def answered(distance: CoreDistance) -> float:
    """A hop of which everybody answered. On a busy machine many are not: others compute on one of the cores."""
    found, ends = math.nan, time.monotonic() + 20.0
    while math.isnan(found) and time.monotonic() < ends:
        found = distance.hop_s(core_numbers()[:2])
    return found


@needs_two
@pytest.mark.alone
def test_a_hop_takes_what_a_cache_line_takes_from_core_to_core() -> None:
    """A nanosecond would be a word that stayed where it was; ten thousand, a thread that was woken for each."""
    distance = CoreDistance()
    assert 2e-9 < min(answered(distance) for _ in range(20)) < 5e-6


@needs_two
def test_every_word_is_waited_for() -> None:
    """Whoever goes on without an answer would measure nothing: the last word shows how often it was handed over."""
    distance = CoreDistance()
    assert not math.isnan(answered(distance))
    assert distance._line[0] == 2 * (core_distance.WARM + core_distance.ROUNDS)


def test_who_is_not_answered_gives_up() -> None:
    """As where another program has the core of the next for longer than anybody should wait."""
    distance = CoreDistance()
    relay, word = core_distance.compiled(), distance._line.ctypes.data
    assert relay(word, 0, 2, 1, 2**12)  # nobody is asked for an answer yet
    began = time.monotonic()
    assert not relay(word, 7, 2, 1, 2**12)
    assert time.monotonic() - began < 1.0


def test_one_core_alone_needs_no_answer() -> None:
    assert CoreDistance().hop_s(core_numbers()[:1]) < 1e-5


@needs_two
def test_the_other_threads_of_the_process_stay_where_they_are() -> None:
    """Only the threads that hand the word on are kept to their cores."""
    before = len(core_numbers())
    CoreDistance().hop_s(core_numbers()[:2])
    assert len(core_numbers()) == before
