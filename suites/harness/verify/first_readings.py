"""A check by processor time: on the CPU a result is read by handing out memory that was there when the call returned.

By that of this thread, of which other programs take none: beside them reading may take ten times as long by the clock,
and so little as a tiny layer takes could be hidden there. What is handed to another thread meanwhile is waited for, and
held by :func:`recomputation.check_finished`.
"""

from __future__ import annotations

from math import inf
from time import perf_counter, thread_time  # bound before any plugin is loaded, which can replace time's own later
from typing import Any, Final

import numpy.typing as npt
from numpy import array

from pointwise_bench import Layer
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs, OnDevice
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.recomputation import HIDDEN_AT_MOST, READINGS, refuse_if_each_time

# Bound before any plugin is loaded, which could change the policy's own fields later.
FIRST_READING_S: Final = POLICY.gate.first_reading_s
ANY_READING_S: Final = POLICY.gate.any_reading_s
COLD: Final = POLICY.gate.ready

Array = npt.NDArray[Any]


def check_reads(calls: LayerCalls, layer: Layer, inputs: tuple[Array, ...]) -> None:
    """``WrongAnswer`` on the CPU for work in the first reading of a result.

    Measured again before a backend is refused: a disturbance that lasts over one measurement slows all of its readings.
    """
    if calls.apart:
        return
    x = calls.to_device(Inputs(inputs))
    refuse_if_each_time(lambda: _computes_at_first(calls, layer, x))


def _computes_at_first(calls: LayerCalls, layer: Layer, x: OnDevice) -> str | None:
    """What first readings take more than others, where that is more than a view that is made once explains.

    The second reading may be of what was kept. Whoever takes as long for that as well reads faster what was ready, and
    whoever takes as long for any array takes longer than any library does for one that it has just read. Each of them
    but the last comes right behind a call, as the first does, and the second behind all that comes before the first: so
    the caches are as cold. JAX had taken 13 us for a first reading and 8 us for one right behind it. How cold they are
    is no fault either: in bfloat16, of which PyTorch makes three views, a reading took 5 us, and 21 us behind a call.
    """
    first_s, second_s, ready_s, warm_s, call_s = [], [], [], [], []
    result = calls.call(layer, x)
    for _ in range(READINGS):
        ready_s.append(_ready_s(calls, layer, x, result))
        began = perf_counter()
        result = calls.call(layer, x)
        call_s.append(perf_counter() - began)
        first_s.append(_reading_s(calls, result))
        if first_s[-1] <= HIDDEN_AT_MOST * min(call_s):
            return None  # as no other reading can be less than nothing
        ready_s.append(_ready_s(calls, layer, x, result))
        calls.call(layer, x)
        second_s.append(_reading_s(calls, result))
        warm_s.append(_reading_s(calls, result))
    reading_s, explained_s, parts = min(first_s), HIDDEN_AT_MOST * min(call_s), len(calls.parts_of(result))
    for beside, most_s in (
        (f", the second {_us(min(second_s))}", min(second_s) + parts * FIRST_READING_S),
        (f", that of an array that was ready {_us(min(ready_s))}", min(ready_s) + parts * FIRST_READING_S),
        ("", COLD * parts * ANY_READING_S),
    ):
        if reading_s > most_s + explained_s:
            return _words(f"the first reading of a result took {_us(reading_s)} of processor time{beside}", call_s)
    if min(warm_s) > parts * ANY_READING_S + explained_s:
        return _words(f"reading a result that was just read took {_us(min(warm_s))} of processor time", call_s)
    return None


def _words(what: str, call_s: list[float]) -> str:
    return f"works in to_numpy(), where no clock runs: {what}, its call {_us(min(call_s))}"


def _reading_s(calls: LayerCalls, result: Any) -> float:
    """Processor seconds of this thread until all of a result is handed out."""
    began = thread_time()
    calls.hand_out(result)
    return thread_time() - began


def _ready_s(calls: LayerCalls, layer: Layer, x: OnDevice, result: Any) -> float:
    """The same behind a call, of as much that was brought and never computed; infinite where that cannot be read.

    A library may have other arrays for results than for inputs.
    """
    try:
        brought = calls.to_device(Inputs(tuple(array(part) for part in calls.hand_out(result))))
        calls.call(layer, x)
        began = thread_time()
        for each in brought:
            calls.backend.to_numpy(each)
        return thread_time() - began
    except Exception:  # whatever a plugin raises
        return inf


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.3g} us"
