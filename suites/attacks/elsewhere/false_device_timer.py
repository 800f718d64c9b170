"""Brings a stopwatch of a device's that tells a nanosecond, whatever a call takes."""

from __future__ import annotations

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest


class Stopwatch:
    def start(self):
        pass

    stop = start

    def elapsed_s(self):
        return 1e-9


@register
class FalseDeviceTimer(Honest):
    """Honest but for that; only long calls show it, since of a short one launching may be all."""

    name = "attack-false-device-timer"
    device = "cuda"
    wrong = True

    def refuses(self, problem):
        long = problem.flops >= 10**9
        return super().refuses(problem) or (None if long else "takes a thousand million operations at least")

    def device_timer(self):
        return Stopwatch()
