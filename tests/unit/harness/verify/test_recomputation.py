"""Checks by time: work where no clock runs is seen, and a busy machine gets nobody refused.

On a clock that only these tests move: what they show does not depend on what else this machine does. Answers that are
remembered are in ``test_remembered_answers.py``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from clock_of_checks import Clock, simulated_clock
from scripted_backend import CASES, PROBLEM, Scripted, layer_of

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.recomputation import check_brings, check_finished

INPUTS = CASES.first.inputs


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return simulated_clock(monkeypatch)


class Reading(Scripted):
    """Its results are read with a delay of ``delay_s(seconds since the call)``."""

    def __init__(self, clock: Clock, delay_s: Callable[[float], float]) -> None:
        super().__init__(lambda call: None)
        self.clock = clock
        self.delay_s = delay_s
        self.called_s = 0.0

    def sync(self) -> None:
        """Note when the call was over."""
        self.called_s = self.clock.now_s

    def to_numpy(self, result: Any) -> Any:
        """The result as it is, late."""
        self.clock.sleep(self.delay_s(self.clock.now_s - self.called_s))
        return np.asarray(result)


def check_reading(backend: Reading) -> None:
    check_finished(LayerCalls(backend, PROBLEM), layer_of(backend), INPUTS)


def test_work_that_goes_on_after_sync_is_seen(clock: Clock) -> None:
    with pytest.raises(WrongAnswer, match=r"is not finished when sync\(\) returns"):
        check_reading(Reading(clock, lambda since_s: max(0.0, 0.002 - since_s)))


@pytest.mark.parametrize("device", ["cpu", "".join(["c", "pu"]), "npu"], ids=["declared", "another string", "unknown"])
def test_work_in_to_numpy_is_seen(device: str, clock: Clock) -> None:
    backend = Reading(clock, lambda since_s: 0.001)
    backend.device = device  # type: ignore[misc]  # a ClassVar everywhere else
    with pytest.raises(WrongAnswer, match=r"works in to_numpy\(\)"):
        check_reading(backend)


def test_a_reading_that_is_slow_at_times_gets_nobody_refused(clock: Clock) -> None:
    """For a millisecond after a pause, or by chance, as on a busy machine."""
    rng = random.Random(1)
    for _ in range(20):
        check_reading(Reading(clock, lambda since_s: 0.001 if since_s > 0.004 or rng.random() < 2 / 3 else 0.0))


@pytest.mark.parametrize("device", ["cuda", "opencl"])
def test_a_device_may_take_its_time_to_hand_results_over(device: str, clock: Clock) -> None:
    backend = Reading(clock, lambda since_s: 0.001)
    backend.device = device  # type: ignore[misc]  # a ClassVar everywhere else
    check_reading(backend)


class Brought(Reading):
    """A result is read ``result_s`` late, and what was brought to the device, ``ready_s``; None: not at all."""

    def __init__(self, clock: Clock, result_s: float, ready_s: float | None) -> None:
        super().__init__(clock, lambda since_s: result_s)
        self.ready_s = ready_s

    def to_device(self, array: Any) -> Any:
        """An array with a mark."""
        return (array,)

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """For arrays with the mark."""
        layer = super().prepare(problem, weight, bias, threads)
        return lambda x: layer(*x)

    def to_numpy(self, result: Any) -> Any:
        """Late, as said."""
        if not isinstance(result, tuple):
            return super().to_numpy(result)
        if self.ready_s is None:
            raise TypeError("no result")
        self.clock.sleep(self.ready_s)
        return result[0]


@pytest.mark.parametrize("device", ["cuda", "opencl"])
@pytest.mark.parametrize(
    ("result_us", "ready_us", "refused"),
    [
        (195, 0, False),  # 196 us, within 3 * 1 and 200 us
        (210, 0, True),
        (495, 100, False),  # 496 us, within 3 * 101 and 200 us
        (510, 100, True),
    ],
)
def test_a_result_on_a_device_is_read_as_fast_as_an_array_that_was_ready(
    device: str, result_us: float, ready_us: float, refused: bool, clock: Clock
) -> None:
    backend = Brought(clock, result_us * 1e-6, ready_us * 1e-6)
    backend.device = device  # type: ignore[misc]  # a ClassVar everywhere else
    if not refused:
        check_reading(backend)
        return
    with pytest.raises(WrongAnswer, match=r"works in to_numpy\(\).*an array that was ready"):
        check_reading(backend)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_whose_arrays_cannot_be_read_back_has_copying_for_a_measure(device: str, clock: Clock) -> None:
    """On a device as well: who refuses to be compared is not spared for it."""
    late = Brought(clock, 150e-6, None)
    late.device = device  # type: ignore[misc]  # a ClassVar everywhere else
    check_reading(late)
    later = Brought(clock, 250e-6, None)
    later.device = device  # type: ignore[misc]  # as above
    with pytest.raises(WrongAnswer, match=r"works in to_numpy\(\).*copying it"):
        check_reading(later)


class Bringing(Scripted):
    """Takes ``seconds(shape)`` to bring an array to the device."""

    def __init__(self, clock: Clock, seconds: Callable[[tuple[int, ...]], float]) -> None:
        super().__init__(lambda call: None)
        self.clock = clock
        self.seconds = seconds

    def to_device(self, array: Any) -> Any:
        """The same, late."""
        self.clock.sleep(self.seconds(array.shape))
        return array


def fails(shape: tuple[int, ...]) -> float:
    raise ValueError(f"no such shape: {shape}")


@pytest.mark.parametrize("device", ["cpu", "cuda", "opencl"])
@pytest.mark.parametrize(
    ("its_us", "other", "refused"),
    [
        (45, lambda shape: 0.0, False),  # 46 us, within 3 * 1 and 50 us
        (60, lambda shape: 0.0, True),
        (2000, lambda shape: 0.002, False),
        (150, fails, False),  # within 10 * 1 and 200 us
        (250, fails, True),
    ],
)
def test_an_input_is_brought_as_fast_as_any_other_array_as_large(
    device: str, its_us: float, other: Any, refused: bool, clock: Clock
) -> None:
    shape = INPUTS[0].shape
    backend = Bringing(clock, lambda asked: its_us * 1e-6 if asked == shape else other(asked))
    backend.device = device  # type: ignore[misc]  # a ClassVar everywhere else
    if not refused:
        check_brings(LayerCalls(backend, PROBLEM), INPUTS)
        return
    with pytest.raises(WrongAnswer, match=r"works in to_device\(\), where no clock runs: bringing its input took"):
        check_brings(LayerCalls(backend, PROBLEM), INPUTS)


def test_what_it_is_held_against_is_said_in_milliseconds(clock: Clock) -> None:
    """Copying takes 1 us on this clock."""
    shape = INPUTS[0].shape
    backend = Bringing(clock, lambda asked: 250e-6 if asked == shape else fails(asked))
    with pytest.raises(WrongAnswer, match=r"bringing its input took 0\.25 ms, copying it 0\.001 ms"):
        check_brings(LayerCalls(backend, PROBLEM), INPUTS)


def test_an_input_that_is_late_once_gets_nobody_refused(clock: Clock) -> None:
    late = iter([1e-3] * 4)
    check_brings(LayerCalls(Bringing(clock, lambda shape: next(late, 0.0)), PROBLEM), INPUTS)


def test_an_array_of_one_element_has_no_other_shape(clock: Clock) -> None:
    backend = Bringing(clock, lambda shape: 1.0)
    check_brings(LayerCalls(backend, PROBLEM), (np.zeros((1, 1, 1, 1), np.float32),))


# Below, a reading of the clock takes 10 us, so that a copy seems to take 10 us and a reading its delay and 10 us. All
# limits are by hand, from the policy's 3 copies and 20 us, a twentieth of a call, 4 times faster, 10 copies and 200 us
# for each result.


@pytest.mark.parametrize(
    ("at_once_us", "later_us", "refused"),
    [
        (35, 0, False),  # 45 us, within 3 * 10 + 20 us
        (45, 0, True),  # 55 us, and 10 us later
        (90, 13, True),  # 100 us, and 23 us later
        (90, 17, False),  # 27 us later: not four times as fast
    ],
)
def test_what_is_unfinished_is_read_much_faster_later(
    at_once_us: float, later_us: float, refused: bool, clock: Clock
) -> None:
    clock.tick_s = 1e-5
    backend = Reading(clock, lambda since_s: 1e-6 * (later_us if since_s > 0.004 else at_once_us))
    if not refused:
        check_reading(backend)
        return
    words = (
        rf"reading the result at once took {(at_once_us + 10) / 1e3:.2g} ms, after a pause {(later_us + 10) / 1e3} ms"
    )
    with pytest.raises(WrongAnswer, match=words):
        check_reading(backend)


@pytest.mark.parametrize(
    ("call_us", "at_once_us", "refused"),
    [
        (1800, 80, False),  # 90 us of 1810 us
        (1800, 85, True),  # 95 us of 1810 us, over a twentieth
        (100_000, 280, False),  # 290 us: a finished result may take 300 us
        (100_000, 300, True),  # 310 us, however long a call is: here it takes what the backend wants it to
    ],
)
def test_what_is_hidden_behind_a_call_is_at_most_what_reading_takes(
    call_us: float, at_once_us: float, refused: bool, clock: Clock
) -> None:
    clock.tick_s = 1e-5

    class Slow(Reading):
        def sync(self) -> None:
            clock.sleep(1e-6 * call_us)
            super().sync()

    backend = Slow(clock, lambda since_s: 0.0 if since_s > 0.004 else 1e-6 * at_once_us)
    if not refused:
        check_reading(backend)
        assert not any(clock.pauses_s), "nothing was to be waited for"
        return
    with pytest.raises(WrongAnswer, match="is not finished when"):
        check_reading(backend)


def test_it_is_measured_five_times_before_it_is_held_against_a_backend(clock: Clock) -> None:
    """Each time one result is copied, three are read at once and three after a pause; the last time is reported."""
    backend = Reading(clock, lambda since_s: 0.0 if since_s > 0.004 else 0.001 * (1 + (backend.calls - 1) // 7))
    with pytest.raises(WrongAnswer, match=r"at once took 5 ms, after a pause 0\.001 ms"):
        check_reading(backend)
    assert backend.calls == 5 * 7
    pauses_s = [0.005, 0.005, 0.006, 0.008, 0.01]  # twice what reading takes, no less than 5 ms
    expected_s = [each for pause_s in pauses_s for each in 3 * [pause_s]]
    assert clock.pauses_s == pytest.approx(expected_s, rel=1e-3)


def test_the_pause_is_twice_as_long_as_the_reading_took(clock: Clock) -> None:
    with pytest.raises(WrongAnswer, match=r"at once took 30 ms, after a pause 0\.001 ms"):
        check_reading(Reading(clock, lambda since_s: max(0.0, 0.03 - since_s)))
    assert clock.pauses_s[:3] == pytest.approx([0.06, 0.06, 0.06], rel=1e-3)


class Interrupted(Reading):
    """Two milliseconds of work go on after a call; behind some calls others have the processor for longer than that.

    ``late`` tells of each call, in turns, whether it is one of those.
    """

    def __init__(self, clock: Clock, late: Sequence[int]) -> None:
        super().__init__(clock, lambda since_s: max(0.0, 0.002 - since_s))
        self.late = late

    def sync(self) -> None:
        """Note when the call was over; the next reading of the clock but one comes late."""
        super().sync()
        if self.late[(self.calls - 1) % len(self.late)]:
            self.clock.late_s = [0.0, 0.003]


def test_a_reading_that_begins_late_hides_no_unfinished_work(clock: Clock) -> None:
    """A call whose result is copied, three that are read at once between four that are not, three after a pause."""
    with pytest.raises(WrongAnswer, match=r"is not finished when sync\(\) returns"):
        check_reading(Interrupted(clock, [0, *(1, 1, 0, 1, 0, 1, 0), 0, 0, 0]))


def test_where_every_reading_begins_late_they_count_as_they_are(clock: Clock) -> None:
    """Five are waited for, and nobody is refused for what was not seen."""
    backend = Interrupted(clock, [0, 1, 1, 1, 1, 1])
    check_reading(backend)
    assert backend.calls == 1 + 5


@pytest.mark.parametrize(
    ("problem", "results", "most_us"),
    [
        (PROBLEM, 1, 300),  # 10 * 10 us and 200 us
        (replace(PROBLEM, bias=True), 1, 300),
        (replace(PROBLEM, bias=True, direction="backward-input"), 1, 300),
        (replace(PROBLEM, direction="backward-weight"), 1, 300),
        (replace(PROBLEM, bias=True, direction="backward-weight"), 2, 500),  # 10 * 10 us and 2 * 200 us
    ],
)
def test_a_finished_result_may_take_its_time_to_be_handed_over(
    problem: Problem, results: int, most_us: float, clock: Clock
) -> None:
    clock.tick_s = 1e-5
    shape = {"forward": problem.output_shape, "backward-input": problem.input_shape}.get(
        problem.direction, problem.weight_shape
    )
    made = np.zeros(shape, np.float32)
    result = (made, np.zeros(problem.out_channels, np.float32)) if results == 2 else made

    def check(reading_us: float) -> None:
        backend = Reading(clock, lambda since_s: 1e-6 * (reading_us - 10) / results)
        check_finished(LayerCalls(backend, problem), lambda *x: result, INPUTS)

    check(most_us - 5)
    words = rf"reading a finished result took {(most_us + 10) / 1e3:.2g} ms, copying it 0\.01 ms"
    with pytest.raises(WrongAnswer, match=words):
        check(most_us + 10)
