"""How many workers answer beside each other while nothing is timed."""

from __future__ import annotations

from pointwise_bench.suites.harness.design.policy import POLICY


def answering_at_once(cores: int, threads: int) -> int:
    """As many workers of ``threads`` threads each as keep ``cores`` cores busy, at least one.

    What a worker does on one thread, its other cores are free for. By Amdahl's law (AFIPS Conference 30, 1967) it is
    done ``1 / (s + (1 - s) / threads)`` times as fast with all threads as with one, and so keeps as many cores busy.
    Everything beyond that makes threads wait for each other, which costs those most that spin.
    """
    serial = POLICY.costs.serial_share
    return max(1, int(cores * (serial + (1 - serial) / max(1, threads))))
