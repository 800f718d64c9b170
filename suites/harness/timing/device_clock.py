"""The device's own clock: seconds per call as a backend's device timer tells them, held against the harness's clock.

Of one short call launching may take longer than all that the device does, so that its time alone proves nothing. Many
calls in a stretch have no such excuse: what is between two marks is between them on both clocks.
"""

from __future__ import annotations

import statistics
from ssl import RAND_bytes  # these two are bound before any plugin is loaded, which can replace them later
from time import perf_counter
from typing import Any, Final

from pointwise_bench import Backend, DeviceTimer, Layer
from pointwise_bench.common.formats import LONGEST_CALL_S
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.input_rotation import InputRotation

# Bound before any plugin is loaded, which could change the policy's own fields later.
STRETCH_S: Final = POLICY.gate.stretch_s
LEAST_TOLD: Final = POLICY.gate.least_told
LEAST_OF_A_CALL: Final = POLICY.gate.least_of_a_call
MOST_TOLD: Final = POLICY.gate.most_told
SLACK_S: Final = POLICY.gate.slack_s
MARKING: Final = POLICY.gate.marking
TIMES_ASKED: Final = POLICY.gate.times_asked
HELD_BELOW: Final = 256 // POLICY.gate.clock_held_in


class DeviceClock:
    """A backend's device timer, with the layer and the inputs that it times."""

    def __init__(self, timer: DeviceTimer, backend: Backend, layer: Layer, inputs: InputRotation) -> None:
        self._timer = timer
        self._backend = backend
        self._layer = layer
        self._inputs = inputs
        self._has_input = any(each.size for each in inputs.sources[0].arrays)
        self._was_held = False

    def seconds_per_call(self, calls: int) -> float:
        """The mean over ``calls`` calls between two marks each.

        These are calls apart from those that the processor's clock times, since setting marks costs time there.
        ``ValueError`` where the timer tells what is no time of a call, ``WrongAnswer`` where that is none of these
        calls. They are timed again before that is held for proven: on a busy machine a call may wait for a processor
        for longer than it takes.
        """
        doubts: list[str] = []
        while len(doubts) < TIMES_ASKED:
            told, took = zip(*(self._marked(1) for _ in range(calls)), strict=True)
            told_s, took_s = statistics.median(told), statistics.median(took)
            doubt = _beyond(told_s, took_s, "a call")
            is_held = self._has_input and (doubts or not self._was_held or RAND_bytes(1)[0] < HELD_BELOW)
            if doubt is None and is_held:
                doubt = self._too_little(told_s, took_s)
            if doubt is None:
                self._was_held = True
                return statistics.fmean(told)
            doubts.append(doubt)
        raise WrongAnswer(f"its device timer is wrong: it tells {doubts[-1]}")

    def _too_little(self, call_told_s: float, call_s: float) -> str | None:
        """What it tells of many calls, or has told of single ones, that is less than these take by the harness's clock.

        A timer that is right about stretches alone is found by the single ones, where they are much longer than marks
        with nothing in between. Rejected for that: calls that nobody waits for, which on a busy machine took PoCL twice
        as long as others.
        """
        calls = max(1, round(STRETCH_S / max(call_s, 1e-7)))
        told_s, took_s = self._marked(calls)
        what = f"{calls} calls"
        if told_s < LEAST_TOLD * took_s - SLACK_S:
            return _words(told_s, took_s, what)
        if (doubt := _beyond(told_s, took_s, what)) is not None:
            return doubt
        nothing_s = statistics.median(self._marked(0)[1] for _ in range(TIMES_ASKED))
        is_less = call_told_s < LEAST_OF_A_CALL * (call_s - MARKING * nothing_s) - SLACK_S
        return _words(call_told_s, call_s, "a call") if is_less else None

    def _marked(self, calls: int) -> tuple[float, float]:
        """Seconds of a stretch of calls, each waited for: by the device's timer, and by the harness's clock."""
        inputs = [self._inputs.next() for _ in range(calls)]
        last = inputs[-1:]
        began = perf_counter()
        self._timer.start()
        for x in inputs[:-1]:
            self._layer(*x)
            self._backend.sync()
        for x in last:
            self._layer(*x)
        self._timer.stop()
        self._backend.sync()
        took_s = perf_counter() - began
        return _as_seconds(self._timer.elapsed_s()) if calls else 0.0, took_s


def _beyond(told_s: float, took_s: float, what: str) -> str | None:
    """That a timer told more of something than that took."""
    return _words(told_s, took_s, what) if told_s > MOST_TOLD * took_s + SLACK_S else None


def _words(told_s: float, took_s: float, what: str) -> str:
    return f"{told_s:.3g} s of {what} that took {took_s:.3g} s until sync() returned"


def _as_seconds(told: Any) -> float:
    """What a backend's own timer tells; ``ValueError`` for what is no time of a call."""
    seconds = float(told)
    if not 0 < seconds < LONGEST_CALL_S:
        raise ValueError(f"device_timer: elapsed_s() returned {seconds:g}, which no call can take")
    return seconds
