"""What a worker does with its backend: imports apart from preparing, a warm-up that ends, and a fair clock."""

from __future__ import annotations

import builtins
import gc
import math
import mmap
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.harness.machine.affinity import TASKS
from pointwise_bench.suites.harness.timing import timed_layer as timing
from pointwise_bench.suites.harness.timing.timed_layer import TimedLayer, import_time, peak_rss_bytes
from pointwise_bench.suites.harness.verify.cases import CaseSet

PROBLEM = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
CASES = CaseSet.of(PROBLEM, seed=1)


class Scripted(Backend):
    """A correct backend that does something besides in every call of its layer, or while it prepares."""

    name = "scripted"

    def __init__(self, act: Callable[[int], None], prepare: Callable[[], None] = lambda: None) -> None:
        self.calls = 0
        self.act = act
        self.while_preparing = prepare

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Returns the matrix product, with the act before it."""
        self.while_preparing()

        def layer(x: Any) -> Any:
            self.calls += 1
            self.act(self.calls)
            return np.matmul(weight, x.reshape(problem.batch, problem.in_channels, -1)).reshape(problem.output_shape)

        return layer


# --- imports ------------------------------------------------------------------------------------------------------


@pytest.fixture
def slow_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that take a while to import; ``outer_slow`` imports ``inner_slow`` on the way."""
    (tmp_path / "inner_slow.py").write_text("import time; time.sleep(0.1)")
    (tmp_path / "outer_slow.py").write_text("import time; time.sleep(0.1); import inner_slow")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("inner_slow", "outer_slow"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("slow_modules")
def test_nested_imports_are_counted_once() -> None:
    began = time.perf_counter()
    with import_time() as spent_s:
        import outer_slow  # type: ignore[import-not-found]  # noqa: F401  # written by the fixture
    assert 0.2 <= spent_s() <= time.perf_counter() - began


@pytest.mark.usefixtures("slow_modules")
def test_imports_are_counted_and_other_work_is_not() -> None:
    began = time.perf_counter()
    with import_time() as spent_s:
        time.sleep(0.1)
        import inner_slow  # type: ignore[import-not-found]  # noqa: F401  # written by the fixture
    assert 0.1 <= spent_s() <= time.perf_counter() - began - 0.1


@pytest.mark.usefixtures("slow_modules")
def test_a_failed_import_counts_and_imports_are_as_before() -> None:
    original = builtins.__import__
    with import_time() as spent_s:
        with pytest.raises(ModuleNotFoundError):
            import no_such_module_anywhere  # type: ignore[import-not-found]  # noqa: F401  # what is tested
        import inner_slow  # noqa: F401
    assert spent_s() >= 0.1
    assert builtins.__import__ is original


@pytest.mark.usefixtures("slow_modules")
def test_preparing_is_not_charged_for_imports() -> None:
    def prepare() -> None:
        import outer_slow  # noqa: F401  # written by the fixture

        time.sleep(0.02)

    seconds: list[float] = []
    while len(seconds) < 3 and min(seconds, default=1) >= 0.2:  # a stall of the machine adds, and nothing takes away
        for name in ("inner_slow", "outer_slow"):
            sys.modules.pop(name, None)
        set_up = TimedLayer(Scripted(lambda call: None, prepare), threads=1).set_up(PROBLEM, CASES)
        seconds.append(set_up.prepare_s)
    assert 0.02 <= min(seconds) < 0.2


# --- warming up ---------------------------------------------------------------------------------------------------


def test_a_first_call_that_compiles_is_a_number_of_its_own() -> None:
    backend = Scripted(lambda call: time.sleep(0.2 if call == 1 else 0))
    timed_layer = TimedLayer(backend, threads=1)
    set_up = timed_layer.set_up(PROBLEM, CASES)
    assert set_up.first_call_s >= 0.2
    assert set_up.seconds_per_call < 0.1
    assert min(timed_layer.turn(5, 0.0).seconds_per_call for _ in range(5)) < 0.02


class SimulatedTime:
    """What the timed layer reads its clocks from, and the layer moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def perf_counter(self) -> float:
        """Simulated seconds."""
        return self.now_s

    cpu_seconds = perf_counter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimulatedTime:
    """The clock of the timed layer, in place of the real one that others who use this machine could disturb."""
    simulated = SimulatedTime()
    for name in ("perf_counter", "cpu_seconds"):
        monkeypatch.setattr(timing, name, getattr(simulated, name))
    return simulated


def test_the_warm_up_goes_on_until_it_is_level(clock: SimulatedTime) -> None:
    """Caches and clocks that are still settling: every call is a quarter faster than the one before."""

    def settling(call: int) -> None:
        clock.now_s += 0.1 * 0.75**call if call < 40 else 1e-5

    assert TimedLayer(Scripted(settling), threads=1).set_up(PROBLEM, CASES).seconds_per_call < 2e-5


def test_a_layer_that_never_becomes_level_ends_the_warm_up_all_the_same(
    clock: SimulatedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every batch of ten milliseconds is a tenth faster than the one before, for as long as anybody looks."""
    longest_s = 0.4

    def faster_and_faster(call: int) -> None:
        assert clock.now_s < 2 * longest_s, "the warm-up does not end"
        clock.now_s += 0.01 * math.exp(-clock.now_s / 0.1)

    monkeypatch.setattr(timing, "LONGEST_WARM_UP_S", longest_s)
    timed_layer = TimedLayer(Scripted(faster_and_faster), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    clock.now_s = 0.0
    timed_layer._warm_up()
    assert longest_s <= clock.now_s < longest_s + 0.02


def test_a_slow_layer_is_warmed_up_with_two_calls(clock: SimulatedTime) -> None:
    def slow(call: int) -> None:
        clock.now_s += 0.15

    backend = Scripted(slow)
    timed_layer = TimedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    before = backend.calls
    timed_layer._warm_up()
    assert backend.calls - before == 2


# --- on the clock -------------------------------------------------------------------------------------------------


@pytest.fixture
def timed_layer() -> TimedLayer:
    timed_layer = TimedLayer(Scripted(lambda call: time.sleep(0.002)), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    return timed_layer


def test_a_turn_is_the_mean_of_its_calls(timed_layer: TimedLayer) -> None:
    turn = timed_layer.turn(5, 0.0)
    assert turn.wall_s >= 0.01
    assert turn.seconds_per_call == pytest.approx(turn.wall_s / 5)
    assert turn.cpu_over_wall < 1  # it sleeps
    assert turn.device_seconds_per_call is None


def test_a_turn_begins_with_calls_off_the_clock(timed_layer: TimedLayer) -> None:
    backend: Any = timed_layer.backend
    before = backend.calls
    timed_layer.turn(5, 0.0)
    assert backend.calls == before + 1 + 5
    before = backend.calls
    timed_layer.turn(5, 0.02)
    assert before + 5 + 3 <= backend.calls <= before + 5 + 10


def test_the_garbage_collector_rests_while_the_clock_runs() -> None:
    seen: list[bool] = []
    timed_layer = TimedLayer(Scripted(lambda call: seen.append(gc.isenabled())), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    seen.clear()
    timed_layer.turn(5, 0.0)
    assert set(seen) == {False}
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not let us choose cores")
def test_turns_keep_to_their_cores_and_examinations_use_all() -> None:
    everywhere = os.sched_getaffinity(0)
    seen: list[set[int]] = []
    timed_layer = TimedLayer(Scripted(lambda call: seen.append(os.sched_getaffinity(0))), threads=1)
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
    timed_layer = TimedLayer(Scripted(lambda call: None), threads=1)
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


def test_a_turn_counts_the_pages_that_its_calls_touch_first() -> None:
    def touch(call: int) -> None:
        mmap.mmap(-1, 100 * mmap.PAGESIZE).write(b"x" * 100 * mmap.PAGESIZE)

    backend = Scripted(lambda call: None)
    timed_layer = TimedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    few = timed_layer.turn(5, 0.0).page_faults
    backend.act = touch
    many = timed_layer.turn(5, 0.0).page_faults
    assert few is not None
    assert many is not None
    assert few < 100
    assert many >= 5  # huge pages can serve a hundred small ones at once
    assert many > few


def test_the_gate_is_passed_again_after_the_timing() -> None:
    from pointwise_bench.suites.harness.record.ended import WrongAnswer

    broken: list[bool] = []

    def fail(call: int) -> None:
        if broken:
            raise WrongAnswer("asked again")

    timed_layer = TimedLayer(Scripted(fail), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.turn(2, 0.0)
    broken.append(True)
    with pytest.raises(WrongAnswer, match="asked again"):
        timed_layer.finish()


def test_a_problem_is_over_once_it_is_finished(timed_layer: TimedLayer) -> None:
    timed_layer.turn(1, 0.0)
    finish = timed_layer.finish()
    assert finish.error_ratio is not None
    assert 0 <= finish.error_ratio < 1
    assert finish.peak_rss_bytes > 10_000_000
    with pytest.raises(RuntimeError, match="set_up comes first"):
        timed_layer.turn(1, 0.0)


def test_the_high_water_mark_of_memory_is_in_bytes() -> None:
    before = peak_rss_bytes()
    block = np.ones(50_000_000 // 8)
    assert peak_rss_bytes() >= 50_000_000
    assert peak_rss_bytes() >= before
    del block


# --- a stopwatch of the backend's own -----------------------------------------------------------------------------


class Stopwatch:
    """Tells what it was made with."""

    def __init__(self, told: Any) -> None:
        self.told = told

    def start(self) -> None:
        """Nothing to mark."""

    stop = start

    def elapsed_s(self) -> Any:
        """What it was told."""
        return self.told


@pytest.mark.parametrize("told", [-1.0, 0.0, math.nan, math.inf, 1e300])
def test_a_stopwatch_that_tells_no_time_is_an_error_of_its_backend(told: float) -> None:
    backend = Scripted(lambda call: None)
    backend.device_timer = lambda: Stopwatch(told)  # type: ignore[method-assign]
    timed_layer = TimedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    with pytest.raises(ValueError, match="device_timer: elapsed_s"):
        timed_layer.turn(2, 0.0)


def test_a_stopwatch_may_tell_numpys_numbers() -> None:
    backend = Scripted(lambda call: None)
    backend.device_timer = lambda: Stopwatch(np.float32(0.25))  # type: ignore[method-assign]
    timed_layer = TimedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    seconds = timed_layer.turn(2, 0.0).device_seconds_per_call
    assert (seconds, type(seconds)) == (0.25, float)
