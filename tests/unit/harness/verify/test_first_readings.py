"""A result's first reading against others, by processor time: on a clock that only these tests move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from clock_of_checks import Clock
from scripted_backend import CASES, PROBLEM, Scripted, layer_of

from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import first_readings
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.first_readings import ANY_READING_S, FIRST_READING_S, check_reads
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.recomputation import READINGS, TIMES_ASKED

CALL_S = 20e-6


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Processor time of this thread; the other clock shows calls of some length, and nothing of it."""
    wall, clock = Clock(), Clock()
    wall.tick_s, clock.tick_s = CALL_S, 0.0
    monkeypatch.setattr(first_readings, "perf_counter", wall.read)
    monkeypatch.setattr(first_readings, "thread_time", clock.read)
    return clock


class Result:
    """A result in a form of the backend's own."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.read = False


class Reader(Scripted):
    """Takes processor time to read a result for the first time, to read one again, and to read what was ready."""

    def __init__(
        self, processor: Clock, first_s: float, again_s: float = 0.0, ready_s: float = 0.0, times: int = 10**9
    ) -> None:
        super().__init__(lambda call: None)
        self.processor, self.first_s, self.again_s, self.ready_s, self.times = (
            processor,
            first_s,
            again_s,
            ready_s,
            times,
        )
        self.first_ones = 0

    def prepare(self, *asked: Any) -> Any:
        """The layer, with its results in that form."""
        layer = super().prepare(*asked)
        return lambda x: Result(layer(x))

    def to_numpy(self, result: Any) -> Any:
        """The array."""
        if not isinstance(result, Result):
            self.processor.sleep(self.ready_s)
            return result
        if result.read:
            self.processor.sleep(self.again_s)
        elif self.first_ones < self.times:
            self.first_ones += 1
            self.processor.sleep(self.first_s)
        result.read = True
        return result.array


def check(backend: Reader, device: str = "cpu") -> None:
    check_reads(LayerCalls(backend, PROBLEM, device), layer_of(backend), CASES.first.inputs)


@pytest.mark.parametrize("device", ["cpu", "npu"])
def test_work_in_the_first_reading_is_seen_and_said(processor: Clock, device: str) -> None:
    said = "the first reading of a result took 5 us of processor time, the second 0 us, its call 20 us"
    with pytest.raises(WrongAnswer, match=said):
        check(Reader(processor, 5e-6), device)


def test_who_reads_results_as_slowly_again_reads_faster_what_was_ready(processor: Clock) -> None:
    check(Reader(processor, 2.4e-6, again_s=2.4e-6))
    said = "the first reading of a result took 5 us of processor time, that of an array that was ready 1 us, its call"
    with pytest.raises(WrongAnswer, match=said):
        check(Reader(processor, 5e-6, again_s=5e-6, ready_s=1e-6))


def test_who_reads_everything_as_slowly_takes_longer_than_any_library(processor: Clock) -> None:
    usual_s = ANY_READING_S + 0.04 * CALL_S
    check(Reader(processor, usual_s, again_s=usual_s, ready_s=usual_s))
    said = "reading a result that was just read took 22 us of processor time, its call 20 us"
    with pytest.raises(WrongAnswer, match=said):
        check(Reader(processor, 22e-6, again_s=22e-6, ready_s=22e-6))


def test_behind_a_call_a_reading_may_take_three_times_as_long_and_no_longer(processor: Clock) -> None:
    """PyTorch's of bfloat16, three views, took 5 us, and 21 us behind a call."""

    class Colder(Reader):
        cold, colder_s = False, 21e-6

        def to_numpy(self, result: Any) -> Any:
            self.processor.sleep(self.colder_s if self.cold else 5e-6)
            self.cold = False
            return super().to_numpy(result)

    backend = Colder(processor, 0.0)
    backend.act = lambda call: setattr(backend, "cold", True)
    check(backend)
    backend.colder_s = 3.2 * ANY_READING_S
    with pytest.raises(WrongAnswer, match="the first reading of a result took 32 us of processor time, its call"):
        check(backend)


def test_a_library_need_not_read_what_it_has_not_made(processor: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*asked: Any) -> Any:
        raise TypeError("of results alone")

    backend = Reader(processor, FIRST_READING_S)
    monkeypatch.setattr(first_readings, "array", refuse)
    check(backend)
    with pytest.raises(WrongAnswer, match="the second"):
        check(Reader(processor, 5e-6))


def test_a_view_that_is_made_once_and_what_is_little_beside_the_call_is_no_work(processor: Clock) -> None:
    check(Reader(processor, FIRST_READING_S + 0.04 * CALL_S))
    with pytest.raises(WrongAnswer, match="the first reading"):
        check(Reader(processor, FIRST_READING_S + 0.06 * CALL_S))


def test_caches_that_are_cold_once_get_nobody_refused(processor: Clock) -> None:
    """In each asking but the last one, and in all readings of that but one."""
    check(Reader(processor, 1e-3, times=READINGS * TIMES_ASKED - 1))


def test_behind_a_call_the_caches_are_cold_for_whatever_is_read(processor: Clock) -> None:
    """JAX took 13 us for a first reading and 8 us for one right behind it; behind a call of its own 11 us."""

    class Cold(Reader):
        cold = False

        def to_numpy(self, result: Any) -> Any:
            if self.cold:
                self.processor.sleep(5e-6)
            self.cold = False
            return super().to_numpy(result)

    backend = Cold(processor, 1e-6)
    backend.act = lambda call: setattr(backend, "cold", True)
    check(backend)
    backend.first_s = 2 * FIRST_READING_S
    with pytest.raises(WrongAnswer, match="the second 5 us"):
        check(backend)


def test_each_part_of_a_result_may_have_a_view_that_is_made_once(processor: Clock) -> None:
    """A gradient of weights and one of the bias."""
    problem = replace(PROBLEM, direction="backward-weight", bias=True)
    backend = Reader(processor, FIRST_READING_S)
    results = np.zeros(problem.weight_shape, "float32"), np.zeros(problem.out_channels, "float32")

    def check_parts() -> None:
        layer = lambda x, dy: tuple(map(Result, results))  # noqa: E731
        check_reads(LayerCalls(backend, problem, "cpu"), layer, CaseSet.of(problem, seed=1).first.inputs)

    check_parts()
    backend.first_s = 2 * FIRST_READING_S
    with pytest.raises(WrongAnswer, match="the first reading of a result took 6 us"):
        check_parts()


def test_results_on_a_device_have_to_travel(processor: Clock) -> None:
    check(Reader(processor, 1e-3), "cuda")
