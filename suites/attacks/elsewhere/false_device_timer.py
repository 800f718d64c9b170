"""Brings a stopwatch of a device's that tells half of what a call takes, and of many calls as well."""

from __future__ import annotations

from time import perf_counter

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest


class Stopwatch:
    def start(self):
        self.began = perf_counter()

    def stop(self):
        self.ended = perf_counter()

    def elapsed_s(self):
        return max(1e-9, (self.ended - self.began) / 2)


@register
class FalseDeviceTimer(Honest):
    """Honest but for that."""

    name = "attack-false-device-timer"
    device = "cuda"
    wrong = True

    def device_timer(self):
        return Stopwatch()
