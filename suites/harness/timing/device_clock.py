"""The device's own clock: seconds per call as a backend's device timer tells them."""

from __future__ import annotations

import statistics
from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import Any, Final

from pointwise_bench import Backend, DeviceTimer, Layer
from pointwise_bench.common.formats import LONGEST_CALL_S
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.input_rotation import InputRotation

# Bound before any plugin is loaded, which could change the policy's own fields later.
LONGEST_LAUNCH_S: Final = POLICY.gate.longest_launch_s
LEAST_TOLD: Final = POLICY.gate.least_told
MOST_TOLD: Final = POLICY.gate.most_told
SLACK_S: Final = POLICY.gate.slack_s
TIMES_ASKED: Final = POLICY.gate.times_asked


def device_seconds_per_call(
    timer: DeviceTimer, backend: Backend, layer: Layer, inputs: InputRotation, calls: int
) -> float:
    """The mean over ``calls`` calls between two marks each.

    These are calls apart from those that the processor's clock times, since setting marks costs time there.
    ``ValueError`` where the timer tells what is no time of a call, ``WrongAnswer`` where that is none of these calls.
    They are timed again before that is held for proven: on a busy machine a call may wait for a processor for longer
    than it takes.
    """
    doubts: list[str] = []
    while len(doubts) < TIMES_ASKED:
        seconds, outside = _both_clocks(timer, backend, layer, inputs, calls)
        doubt = _doubt(statistics.median(seconds), statistics.median(outside))
        if doubt is None:
            return statistics.fmean(seconds)
        doubts.append(doubt)
    raise WrongAnswer(doubts[-1])


def _both_clocks(
    timer: DeviceTimer, backend: Backend, layer: Layer, inputs: InputRotation, calls: int
) -> tuple[list[float], list[float]]:
    """Seconds of each call, by the device's timer, and by the harness's clock from its mark to its end."""
    seconds, outside = [], []
    for _ in range(calls):
        x = inputs.next()
        began = perf_counter()
        timer.start()
        layer(*x)
        timer.stop()
        backend.sync()
        outside.append(perf_counter() - began)
        seconds.append(_as_seconds(timer.elapsed_s()))
    return seconds, outside


def _doubt(told_s: float, outside_s: float) -> str | None:
    """Why the timer cannot be right that told ``told_s`` of a call that took ``outside_s``, both medians."""
    too_long = told_s > MOST_TOLD * outside_s + SLACK_S
    too_short = outside_s > LONGEST_LAUNCH_S and told_s < LEAST_TOLD * outside_s
    if not (too_long or too_short):
        return None
    return (
        f"its device timer is wrong: it tells {told_s:.3g} s of a call that took {outside_s:.3g} s until sync() "
        f"returned"
    )


def _as_seconds(told: Any) -> float:
    """What a backend's own timer tells; ``ValueError`` for what is no time of a call."""
    seconds = float(told)
    if not 0 < seconds < LONGEST_CALL_S:
        raise ValueError(f"device_timer: elapsed_s() returned {seconds:g}, which no call can take")
    return seconds
