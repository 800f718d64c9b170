"""What a worker does with its backend: imports apart from preparing, its cores, the gate before and after the turns."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.machine.affinity import TASKS
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer


@pytest.mark.usefixtures("slow_modules")
def test_preparing_is_not_charged_for_imports() -> None:
    def prepare() -> None:
        import outer_slow  # type: ignore[import-not-found]  # noqa: F401  # written by the fixture

        time.sleep(0.02)

    seconds: list[float] = []
    while len(seconds) < 3 and min(seconds, default=1) >= 0.2:  # a stall of the machine adds, and nothing takes away
        for name in ("inner_slow", "outer_slow"):
            sys.modules.pop(name, None)
        set_up = JudgedLayer(Scripted(lambda call: None, prepare), threads=1).set_up(PROBLEM, CASES)
        seconds.append(set_up.prepare_s)
    assert 0.02 <= min(seconds) < 0.2


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not let us choose cores")
def test_turns_keep_to_their_cores_and_checks_use_all() -> None:
    everywhere = os.sched_getaffinity(0)
    seen: list[set[int]] = []
    timed_layer = JudgedLayer(Scripted(lambda call: seen.append(os.sched_getaffinity(0))), threads=1)
    for core in sorted(everywhere)[-1], sorted(everywhere)[0]:
        timed_layer.set_up(PROBLEM, CASES)
        assert set(map(frozenset, seen)) == {frozenset(everywhere)}
        seen.clear()
        timed_layer.turn(2, 0.0, [core])
        timed_layer.turn(2, 0.0, [core])
        assert seen == [{core}] * 6
        seen.clear()
        timed_layer.finish()
        assert set(map(frozenset, seen)) == {frozenset(everywhere)}
        assert os.sched_getaffinity(0) == everywhere


def test_every_thread_of_the_process_keeps_to_the_cores() -> None:
    """A library's threads, started before, would go where they like."""
    if not TASKS.exists():
        pytest.skip("no list of threads")
    everywhere, over = os.sched_getaffinity(0), threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    timed_layer = JudgedLayer(Scripted(lambda call: None), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    try:
        timed_layer.turn(1, 0.0, [min(everywhere)])
        assert thread.native_id is not None
        assert os.sched_getaffinity(thread.native_id) == {min(everywhere)}
        timed_layer.finish()
        assert os.sched_getaffinity(thread.native_id) == everywhere
    finally:
        over.set()
        thread.join()


def test_the_gate_is_passed_again_after_the_timing() -> None:
    from pointwise_bench.suites.harness.record.ended import WrongAnswer

    broken: list[bool] = []

    def fail(call: int) -> None:
        if broken:
            raise WrongAnswer("asked again")

    timed_layer = JudgedLayer(Scripted(fail), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.turn(2, 0.0)
    broken.append(True)
    with pytest.raises(WrongAnswer, match="asked again"):
        timed_layer.finish()


def test_a_problem_is_over_once_it_is_finished() -> None:
    timed_layer = JudgedLayer(Scripted(lambda call: time.sleep(0.002)), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.turn(1, 0.0)
    finish = timed_layer.finish()
    assert finish.error_ratio is not None
    assert 0 <= finish.error_ratio < 1
    assert finish.peak_rss_bytes > 10_000_000
    with pytest.raises(RuntimeError, match="set_up comes first"):
        timed_layer.turn(1, 0.0)
