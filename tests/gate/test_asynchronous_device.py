"""A fake device that works on when the call has returned: its time is all on the clock, or the gate refuses it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.harness.verify.cases import CaseSet

pytestmark = pytest.mark.alone  # whether work is outside the clock is told by a clock

WORK_S = 0.002
PROBLEM = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
CASES = CaseSet.of(PROBLEM, seed=1)


class Device:
    """A stream of work: what is enqueued runs in order in a thread of its own."""

    def __init__(self) -> None:
        self.jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while (job := self.jobs.get()) is not None:
            job()
            self.jobs.task_done()

    def close(self) -> None:
        """End the thread once its work is done."""
        self.jobs.put(None)
        self.thread.join()


class Stopwatch:
    """Marks on the device's own clock, enqueued like work."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.marks: list[float] = []

    def start(self) -> None:
        """The opening mark."""
        self.marks.clear()
        self.stop()

    def stop(self) -> None:
        """A mark, made when the work before it is done."""
        self.device.jobs.put(lambda: self.marks.append(time.perf_counter()))

    def elapsed_s(self) -> float:
        """Between the two."""
        first, last = self.marks
        return last - first


class Asynchronous(Backend):
    """Its layer enqueues two milliseconds of work and returns at once; ``sync`` waits for it."""

    name = "asynchronous"
    device = "fake"

    def __init__(self, queue_of_device: Device) -> None:
        self.queue = queue_of_device
        self.layer_s: list[float] = []

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Returns what enqueues."""

        def compute(x: Any, y: Any) -> None:
            time.sleep(WORK_S)
            with np.errstate(all="ignore"):  # of this thread: an overflow, which a device does not raise either
                np.matmul(
                    weight, x.reshape(problem.batch, problem.in_channels, -1), out=y.reshape(problem.batch, 8, -1)
                )

        def layer(x: Any) -> Any:
            began = time.perf_counter()
            y = np.empty(problem.output_shape, problem.dtype)
            self.queue.jobs.put(lambda: compute(x, y))
            self.layer_s.append(time.perf_counter() - began)
            return y

        return layer

    def sync(self) -> None:
        """Wait for all that was enqueued."""
        self.queue.jobs.join()

    def device_timer(self) -> Stopwatch | None:
        """A stopwatch in the queue."""
        return Stopwatch(self.queue)


class Unsynchronised(Asynchronous):
    """Has no ``sync``; whoever reads the result has to wait for it. The result is right, the clock would not be."""

    name = "unsynchronised"

    def sync(self) -> None:
        """Forgotten."""

    def to_numpy(self, result: Any) -> Any:
        """Waits, where no clock runs."""
        self.queue.jobs.join()
        return result

    def device_timer(self) -> None:
        """None: it would need ``sync``."""
        return


class NeverSynchronised(Unsynchronised):
    """Neither waits: whoever reads at once reads what was there before."""

    name = "never-synchronised"

    def to_numpy(self, result: Any) -> Any:
        """Whatever is there by now."""
        return result


@pytest.fixture
def device() -> Iterator[Device]:
    device = Device()
    yield device
    device.close()


def test_the_clock_stops_when_the_device_is_done(device: Device) -> None:
    backend = Asynchronous(device)
    timed_layer = JudgedLayer(backend, threads=1)
    set_up = timed_layer.set_up(PROBLEM, CASES)
    warm_up = timed_layer.warm_up()
    turn = timed_layer.turn(5, 0.0)
    timed_layer.finish()
    assert set_up.first_call_s >= WORK_S
    assert warm_up.seconds_per_call >= WORK_S
    assert turn.seconds_per_call >= WORK_S
    # The control: the layer itself returned long before, which is all that an unsynchronised clock would have seen.
    assert np.median(backend.layer_s) < WORK_S / 10


def test_every_call_is_waited_for_on_its_own(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once at the end: a queue that overlaps calls measures its depth and not the layer."""
    backend = Asynchronous(device)
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    waiting: list[int] = []
    original = backend.queue.jobs.put

    def put(job: Any) -> None:
        waiting.append(backend.queue.jobs.unfinished_tasks)
        original(job)

    monkeypatch.setattr(backend.queue.jobs, "put", put)
    timed_layer.timed._current_layer().timer = None
    timed_layer.turn(5, 0.0)
    assert waiting == [0] * 6


def test_the_devices_own_clock_is_a_second_series_near_the_truth(device: Device) -> None:
    backend = Asynchronous(device)
    backend.device = "cuda"  # type: ignore[misc]  # a ClassVar everywhere else; of the processor there is but one clock
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    turns = [timed_layer.turn(3, 0.0) for _ in range(5)]
    series = [turn.device_seconds_per_call for turn in turns]
    assert all(seconds is not None and seconds >= WORK_S for seconds in series)
    assert min(seconds for seconds in series if seconds is not None) < 2 * WORK_S


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Unsynchronised, r"is not finished when sync\(\) returns"), (NeverSynchronised, "wrong on small integers")],
)
def test_a_device_that_is_not_waited_for_is_refused(device: Device, kind: type[Asynchronous], words: str) -> None:
    timed_layer = JudgedLayer(kind(device), threads=1)
    with pytest.raises(WrongAnswer, match=words):
        timed_layer.set_up(PROBLEM, CASES)
        timed_layer.warm_up()
