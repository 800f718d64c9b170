"""Intervals of timed calls: how long they are, and that nobody knows when one ends."""

from __future__ import annotations

import builtins
import gc
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import pytest
from scripted_backend import CASES, PROBLEM, Scripted
from simulated_time import SimulatedTime

from pointwise_bench.suites.harness.timing import clock as clock_module
from pointwise_bench.suites.harness.timing.clock import ClockedLayer
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.harness.timing.looks import _ENDS, _uniform, end_of_interval, is_drawn, is_watched, limit_of


def test_an_interval_is_by_the_quickest_calls_and_longer_in_long_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a warm-up has waited for a processor makes none too short, as then looks are a large share of a turn."""
    slow = [True]
    timed_layer = JudgedLayer(Scripted(lambda call: time.sleep(0.01 if slow[0] else 0.0)), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.warm_up()
    assert timed_layer.timed._current is not None
    clocked = timed_layer.timed._current.clocked
    assert clocked._interval == 1
    slow[0] = False
    monkeypatch.setattr(clock_module, "INTERVAL_S", 0.01)
    timed_layer.turn(200, 0.0)
    found = clocked._interval
    assert found > 1
    slow[0] = True
    timed_layer.turn(1, 0.0)
    assert clocked._interval == found
    slow[0] = False
    clocked._interval, looked = 1, list[bytes]()
    monkeypatch.setattr(clocked.looks, "consider", lambda result, line, limit, renewals: looked.append(limit))
    monkeypatch.setattr(clock_module, "MOST_INTERVALS", 50)
    for name in ("SLOW_INTERVAL", "SHORTEST_GIVEN_UP_S"):  # nor shortened or given up on a machine that is busy
        monkeypatch.setattr(clock_module, name, 1e9)
    timed_layer.turn(400, 0.0)
    assert set(looked[1:]) == {limit_of(8, 400)}
    assert 15 < len(looked) < 85, "of about 50"  # five standard deviations


@pytest.mark.parametrize("interval", [1, 4, 10])
def test_every_call_but_the_first_ends_an_interval_with_the_same_chance(
    clock: SimulatedTime, monkeypatch: pytest.MonkeyPatch, interval: int
) -> None:
    """So nobody who knows how many have passed since the last end, or are left, knows which will be looked at."""
    calls, turns = 40, 600
    backend = Scripted(lambda call: setattr(clock, "now_s", clock.now_s + 1.001 * clock_module.INTERVAL_S / interval))
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.warm_up()
    clocked, ends, began = timed_layer.timed._current_layer().clocked, Counter[int](), 0
    assert clocked._interval == interval

    def noting(result: object, line: object, limit: bytes, renewals: int) -> None:
        called = backend.calls - began
        assert limit == limit_of(1 if called == 1 else interval, calls)
        ends[called] += 1

    monkeypatch.setattr(clocked.looks, "consider", noting)
    for _ in range(turns):
        began = backend.calls + 1  # one that is not timed
        clocked.turn(calls, 0.0, (0, 0))
    expected = turns / interval
    assert set(ends) == set(range(1, calls + 1))
    assert ends.pop(1) == turns
    assert all(abs(found - expected) <= 4.5 * math.sqrt(expected) for found in ends.values())


@pytest.mark.parametrize("shown", ["locals", "objects", "referents"])
def test_while_a_call_runs_nothing_shows_when_its_interval_ends(shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the names in the frames of its callers, nor what these frames or the collector of garbage know of."""
    ends, told, asked, shown_times = list[int](), list[int](), 0, 0

    def noting(interval: int, most: int) -> Iterable[bool]:
        end = end_of_interval(interval, most)
        ends[:] = [id(end)] if most > 1 else []
        told.append(most)
        return end

    def values(frames: list[FrameType]) -> Iterable[object]:
        if shown == "locals":
            return (value for frame in frames for value in frame.f_locals.values())
        return gc.get_objects(generation=0) if shown == "objects" else gc.get_referents(*frames)

    def looking(call: int) -> None:
        nonlocal asked, shown_times
        frames = [sys._getframe(depth) for depth in range(1, 5)]
        if any(frame.f_code is ClockedLayer._repeat.__code__ for frame in frames):
            asked += 1
            parts = (part for value in values(frames) for part in (value if isinstance(value, list) else [value]))
            shown_times += any(id(part) in ends for part in parts)

    timed_layer = JudgedLayer(Scripted(looking), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    clocked = timed_layer.timed._current_layer().clocked
    clocked._interval = 10
    monkeypatch.setattr(clock_module, "end_of_interval", noting)
    timed_layer.turn(100, 0.0)
    assert max(told) > 1
    assert (asked, shown_times) == (100, 0)


def test_no_builtin_that_a_plugin_can_replace_is_told_of_a_draw() -> None:
    for function in (is_watched, end_of_interval, is_drawn, _uniform):
        assert not set(function.__code__.co_names) & set(dir(builtins))
    with pytest.raises(ValueError, match="WRITEABLE"):
        _ENDS.flags.writeable = True


@pytest.mark.parametrize("watch", [sys.setprofile, sys.settrace])
def test_who_watches_what_functions_return_has_intervals_of_one_call(
    watch: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An iterator that tells when an interval ends is returned by a function."""
    mosts: list[int] = []

    def noting(interval: int, most: int) -> Iterable[bool]:
        mosts.append(most)
        return end_of_interval(interval, most)

    before = sys.getprofile(), sys.gettrace()
    timed_layer = JudgedLayer(Scripted(lambda call: watch(lambda *event: None)), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.timed._current_layer().clocked._interval = 10
    monkeypatch.setattr(clock_module, "end_of_interval", noting)
    monkeypatch.setattr(clock_module, "is_watched", is_watched)
    try:
        timed_layer.turn(100, 0.0)
    finally:
        sys.setprofile(before[0])
        sys.settrace(before[1])
    assert mosts == [1] * 100


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is there from Python 3.12 on")
def test_who_has_a_tool_that_monitors_watches() -> None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
    free = next(tool for tool in range(6) if monitoring.get_tool(tool) is None)
    monitoring.use_tool_id(free, "test")
    try:
        assert is_watched()
    finally:
        monitoring.free_tool_id(free)


def test_of_calls_that_are_far_slower_than_foreseen_no_more_have_inputs_that_are_not_renewed(
    clock: SimulatedTime,
) -> None:
    """Who is quick in the warm-up has hundreds of calls in an interval, of which few inputs would differ."""
    seconds = [1e-7]
    timed_layer = JudgedLayer(Scripted(lambda call: setattr(clock, "now_s", clock.now_s + seconds[0])), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.warm_up()
    clocked = timed_layer.timed._current_layer().clocked
    assert clocked._interval > 100
    seconds[0] = 1e-4
    turn = clocked.turn(700, 0.0, (0, 0))
    assert clocked.inputs.renewals > turn.wall_s / clock_module.INTERVAL_S / clock_module.LONGEST
    seconds[0] = 1e-7
    clocked.turn(700, 0.0, (0, 0))
    assert clocked.inputs.renewals == 0
