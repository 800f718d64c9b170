"""Checks by time: no answer may be remembered, and no work may go on where no clock runs."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter, sleep  # bound before any plugin is loaded, which can replace time's own later
from typing import Any, Final

import numpy.typing as npt

from pointwise_bench import Layer
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs, OnDevice
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls

# Bound before any plugin is loaded, which could change the policy's own fields later.
REWARM_S: Final = POLICY.gate.rewarm_s
OLD_CALLS: Final = POLICY.gate.old_calls
OLD_CALLS_S: Final = POLICY.gate.old_calls_s
NEW_INPUTS: Final = POLICY.gate.new_inputs
TIMES_ASKED: Final = POLICY.gate.times_asked
READING_S: Final = POLICY.gate.reading_s
REMEMBERING: Final = POLICY.gate.remembering
SLACK_S: Final = POLICY.gate.slack_s
READY: Final = POLICY.gate.ready
READY_SLACK_S: Final = POLICY.gate.ready_slack_s
READINGS: Final = POLICY.gate.readings
COPIES_AT_ONCE: Final = POLICY.gate.copies_at_once
HIDDEN_AT_MOST: Final = POLICY.gate.hidden_at_most
PAUSE_S: Final = POLICY.gate.pause_s
FASTER_LATER: Final = POLICY.gate.faster_later
COPIES_IN_READING: Final = POLICY.gate.copies_in_reading

Array = npt.NDArray[Any]


def refuse_if_each_time(ask: Callable[[], str | None]) -> None:
    """``WrongAnswer`` with the last reason where ``ask`` has one each time: a disturbance may last over one of them."""
    reasons: list[str] = []
    while len(reasons) < TIMES_ASKED:
        if (reason := ask()) is None:
            return
        reasons.append(reason)
    raise WrongAnswer(reasons[-1])


def check_finished(calls: LayerCalls, layer: Layer, inputs: tuple[Array, ...]) -> None:
    """``WrongAnswer`` for work after ``sync``: reading a result at once must not take longer than reading it later.

    Measured again before a backend is refused: a disturbance that lasts over one measurement slows all of its
    readings.
    """
    x = calls.to_device(Inputs(inputs))
    refuse_if_each_time(lambda: _unfinished(calls, layer, x))


def check_brings(calls: LayerCalls, inputs: tuple[Array, ...]) -> None:
    """``WrongAnswer`` for work in ``to_device``, on any device: inputs are brought as fast as other arrays as large.

    Measured again before a backend is refused, as above.
    """
    refuse_if_each_time(lambda: next(filter(None, (_unlike_others(calls, each) for each in inputs)), None))


def _unlike_others(calls: LayerCalls, array: Array) -> str | None:
    """What bringing ``array`` shows of work that an array of other sizes, but as many bytes, does not bring about."""
    sizes = (array.shape[1:] + array.shape[:1], (array.size, *(1 for _ in array.shape[1:])))
    other = next((each for each in sizes if each != array.shape), None)
    if other is None:
        return None
    its_s = _bringing_s(calls, array)
    try:
        ready_s = _bringing_s(calls, array.reshape(other))
        most_s, beside = READY * ready_s + READY_SLACK_S, f"an array of other sizes {ready_s * 1e3:.2g} ms"
    except Exception:  # a library may take some shapes alone
        copying_s = _seconds_of(array.copy)
        most_s, beside = COPIES_IN_READING * copying_s + READING_S, f"copying it {copying_s * 1e3:.2g} ms"
    if its_s <= most_s:
        return None
    return f"works in to_device(), where no clock runs: bringing its input took {its_s * 1e3:.2g} ms, {beside}"


def _bringing_s(calls: LayerCalls, array: Array) -> float:
    """Seconds to bring an array like ``array`` to the device; the best of some."""
    seconds = []
    for _ in range(READINGS):
        inputs = Inputs((array,))
        began = perf_counter()
        calls.to_device(inputs)
        calls.backend.sync()
        seconds.append(perf_counter() - began)
    return min(seconds)


def _unfinished(calls: LayerCalls, layer: Layer, x: OnDevice) -> str | None:
    """What reading a result shows of work outside the clock; None where there is none."""
    finished = calls.compute(layer, x).copy()
    copying_s = _seconds_of(finished.copy)
    at_once_s, call_s = _reading_s(calls, layer, x, pause_s=0.0)
    if at_once_s < COPIES_AT_ONCE * copying_s + SLACK_S:
        return None  # a result that is read as fast as it is copied was there already
    # What is hidden is waited for in reading. A call takes here what the backend wants: that alone is no proof.
    if at_once_s <= min(HIDDEN_AT_MOST * call_s, COPIES_IN_READING * copying_s + READING_S):
        return None
    later_s, _ = _reading_s(calls, layer, x, pause_s=max(PAUSE_S, 2 * at_once_s))
    if later_s < at_once_s / FASTER_LATER:
        return (
            f"is not finished when sync() returns: reading the result at once took {at_once_s * 1e3:.2g} ms, "
            f"after a pause {later_s * 1e3:.2g} ms; the clock would miss the difference"
        )
    # A device's result has to travel; on the CPU nothing but a copy is left to do. What to_numpy() computes is in
    # both readings, while a pause cools caches and cores: a short reading takes ten times as long after it.
    reading_s = min(at_once_s, later_s)
    results = 1 + (calls.problem.direction == "backward-weight" and calls.problem.bias)
    most_s, beside = COPIES_IN_READING * copying_s, f"copying it {copying_s * 1e3:.2g} ms"
    if calls.apart and (ready_s := _ready_s(calls, layer, x, finished)) is not None:
        # Not so on the CPU: on a machine with seven programs to a core, reading what one torch layer had made took
        # 0.1 ms at its quickest and reading what was ready 0.01 ms, in all of five askings.
        most_s, beside = results * READY * ready_s, f"an array that was ready {ready_s * 1e3:.2g} ms"
    if reading_s <= most_s + results * READING_S:
        return None
    return (
        f"works in to_numpy(), where no clock runs: reading a finished result took {reading_s * 1e3:.2g} ms, {beside}"
    )


def _ready_s(calls: LayerCalls, layer: Layer, x: OnDevice, like: Array) -> float | None:
    """Seconds to read an array that was brought to the device and never computed; None where it cannot be read.

    A library may have other arrays for results than for inputs. Read after a call, as results are: threads that still
    spin then, or take the processor in the pause, make a reading of 10 us one of 100.
    """
    readings = []
    try:
        for _ in range(READINGS):
            (brought,) = calls.to_device(Inputs((like,)))
            calls.call(layer, x)
            readings.append(_seconds_of(lambda brought=brought: calls.backend.to_numpy(brought)))  # type: ignore[misc]
    except Exception:  # whatever a plugin raises
        return None
    return min(readings)


def _reading_s(calls: LayerCalls, layer: Layer, x: OnDevice, pause_s: float) -> tuple[float, float]:
    """Seconds to read a result ``pause_s`` after the call, and those of the call; the best of some.

    A disturbance only adds. But one between the call and its reading hides work that has ended by then. So a reading
    without a pause counts where it begins at once, and the processor is not handed over before it: on a busy machine
    whoever takes it keeps it for milliseconds, and a device that nobody waits for was let through in half of all
    askings.
    """
    readings: list[float] = []
    late: list[float] = []
    took: list[float] = []
    while len(readings) < READINGS and len(late) < TIMES_ASKED:
        began = perf_counter()
        result = calls.call(layer, x)
        returned = perf_counter()
        took.append(returned - began)
        if pause_s:
            sleep(pause_s)
        counted = readings if pause_s or perf_counter() - returned <= SLACK_S else late
        counted.append(_seconds_of(lambda result=result: calls.read(result)))  # type: ignore[misc]
    return min(readings or late), min(took)


def check_recomputes(
    calls: LayerCalls, layer: Layer, x: OnDevice, inputs: tuple[Array, ...], seconds_per_call: float
) -> None:
    """``WrongAnswer`` where new inputs take longer than the timed ones, ``x`` made of ``inputs``: it remembers these.

    Each new input comes straight after calls on the old one, so that caches and threads are as warm for it, and is
    read through first: where reading is the work, one from main memory takes over three times as long. A single one
    that is as fast as the old one clears the backend: on a busy machine any call may wait for a thread that is not
    running, while a backend that remembers is slow on every new input.
    """
    slow = []
    for step in range(1, NEW_INPUTS + 1):
        factor = 1 + step / (2 * NEW_INPUTS)
        new_inputs = Inputs(tuple(each * each.dtype.type(factor) for each in inputs))
        new = calls.to_device(new_inputs)
        old_s = _seconds_per_old_call(calls, layer, x)
        new_inputs.read_through()
        new_s = _seconds_of(lambda new=new: calls.call(layer, new))  # type: ignore[misc]
        if new_s <= REMEMBERING * max(seconds_per_call, old_s) + SLACK_S:
            return
        slow.append(new_s)
    raise WrongAnswer(
        f"replays a cached answer: an input that it had not seen took {min(slow):.3g} s, "
        f"the repeated one {seconds_per_call:.3g} s"
    )


def _seconds_per_old_call(calls: LayerCalls, layer: Layer, x: OnDevice) -> float:
    """The median of some calls on the timed input.

    Not the last of them: a call that had to wait is the likeliest to end the loop, and would clear a backend that
    remembers.
    """
    seconds: list[float] = []
    while sum(seconds) < REWARM_S or (len(seconds) < OLD_CALLS and sum(seconds) < OLD_CALLS_S):
        seconds.append(_seconds_of(lambda: calls.call(layer, x)))
    return statistics.median(seconds)


def _seconds_of(action: Callable[[], object]) -> float:
    began = perf_counter()
    action()
    return perf_counter() - began
