"""A result's first reading against its second, by processor time: on a clock that only these tests move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from clock_of_checks import Clock, simulated_clock
from scripted_backend import CASES, PROBLEM, Scripted, layer_of

from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import recomputation
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.recomputation import FIRST_READING_S, READINGS, TIMES_ASKED, check_reads

CALL_S = 20e-6


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Processor time of this thread; the other clock shows calls of some length, and nothing of it."""
    simulated_clock(monkeypatch).tick_s = CALL_S
    clock = Clock()
    clock.tick_s = 0.0
    monkeypatch.setattr(recomputation, "thread_time", clock.read)
    return clock


class ReadAtFirst(Scripted):
    """Takes processor time when a result is read that it has not handed out before."""

    def __init__(self, processor: Clock, seconds: float, times: int = 10**9) -> None:
        super().__init__(lambda call: None)
        self.processor, self.seconds, self.times = processor, seconds, times
        self.read = 0
        self.known: list[Any] = []

    def to_numpy(self, result: Any) -> Any:
        """The result as it is."""
        if not any(each is result for each in self.known):
            self.known.append(result)
            self.read += 1
            self.processor.sleep(self.seconds if self.read <= self.times else 0.0)
        return np.asarray(result)


def check(backend: ReadAtFirst, device: str = "cpu") -> None:
    check_reads(LayerCalls(backend, PROBLEM, device), layer_of(backend), CASES.first.inputs)


@pytest.mark.parametrize("device", ["cpu", "npu"])
def test_work_in_the_first_reading_is_seen_and_said(processor: Clock, device: str) -> None:
    with pytest.raises(
        WrongAnswer, match=r"the first reading of a result took 5 us of processor time more than the se"
    ):
        check(ReadAtFirst(processor, 5e-6), device)


def test_a_view_that_is_made_once_and_what_is_little_beside_the_call_is_no_work(processor: Clock) -> None:
    check(ReadAtFirst(processor, FIRST_READING_S + 0.04 * CALL_S))
    with pytest.raises(WrongAnswer, match="the first reading"):
        check(ReadAtFirst(processor, FIRST_READING_S + 0.06 * CALL_S))


def test_caches_that_are_cold_once_get_nobody_refused(processor: Clock) -> None:
    """In each asking but the last one, and in all readings of that but one."""
    check(ReadAtFirst(processor, 1e-3, times=READINGS * TIMES_ASKED - 1))


def test_results_on_a_device_have_to_travel(processor: Clock) -> None:
    check(ReadAtFirst(processor, 1e-3), "cuda")
