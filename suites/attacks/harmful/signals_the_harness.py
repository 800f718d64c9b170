"""Sends its parent, the harness, a signal that ends it, or would if it were another number."""

from __future__ import annotations

import os
import signal

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest


@register
class SignalsTheHarness(Honest):
    """SIGCONT changes nothing for who runs, and may be sent by whoever may send any."""

    name = "attack-signals-the-harness"
    wrong = True

    def prepare(self, problem, weight, bias, threads):
        os.kill(os.getppid(), signal.SIGCONT)
        return super().prepare(problem, weight, bias, threads)
