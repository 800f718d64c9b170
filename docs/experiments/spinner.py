"""A correct backend whose threads keep every core busy for ever; see beside_a_spinner.py."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any

from pointwise_bench import Backend, Layer, Problem, get, register


@register
class Spinner(Backend):
    """NumPy's layer, and a thread for each core that hashes zeros without the interpreter's lock."""

    name = "spinner"

    def missing(self) -> str | None:
        """From the first question on, and never ending."""
        for _ in range(os.cpu_count() or 1):
            threading.Thread(target=_spin, daemon=True).start()
        return None

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        """NumPy's."""
        return get("numpy-matmul").prepare(problem, weight, bias, threads)


def _spin() -> None:
    zeros = bytes(2**24)
    while True:
        hashlib.sha256(zeros).digest()
