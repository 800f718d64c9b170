"""Writes a line into the run's results, in a rival's name."""

from __future__ import annotations

import os
from pathlib import Path

from pointwise_bench import register
from pointwise_bench.backends.backend import RUN_CACHE
from pointwise_bench.common.formats import CELLS_FILE
from pointwise_bench.suites.attacks.arithmetic import Honest


@register
class EditsResults(Honest):
    """Computes what it should, and is timed where it could write."""

    name = "attack-edits-results"
    wrong = True

    def prepare(self, problem, weight, bias, threads):
        run = Path(os.environ[RUN_CACHE]).parents[1]
        with (run / CELLS_FILE).open("a") as file:
            file.write('{"backend": "numpy-matmul", "status": "wrong", "reason": "said its rival"}\n')
        return super().prepare(problem, weight, bias, threads)
