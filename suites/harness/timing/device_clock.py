"""The device's own clock: seconds per call as a backend's device timer tells them."""

from __future__ import annotations

import statistics
from typing import Any

from pointwise_bench import Backend, DeviceTimer, Layer
from pointwise_bench.common.formats import LONGEST_CALL_S
from pointwise_bench.suites.harness.timing.input_rotation import InputRotation


def device_seconds_per_call(
    timer: DeviceTimer, backend: Backend, layer: Layer, inputs: InputRotation, calls: int
) -> float:
    """The mean over ``calls`` calls between two marks each.

    These are calls apart from those that the processor's clock times, since setting marks costs time there.
    ``ValueError`` where the timer tells what is no time of a call.
    """
    seconds = []
    for _ in range(calls):
        x = inputs.next()
        timer.start()
        layer(*x)
        timer.stop()
        backend.sync()
        seconds.append(_as_seconds(timer.elapsed_s()))
    return statistics.fmean(seconds)


def _as_seconds(told: Any) -> float:
    """What a backend's own timer tells; ``ValueError`` for what is no time of a call."""
    seconds = float(told)
    if not 0 < seconds < LONGEST_CALL_S:
        raise ValueError(f"device_timer: elapsed_s() returned {seconds:g}, which no call can take")
    return seconds
