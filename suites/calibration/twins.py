"""Backends of known ratio: one layer under two names, and the same layer with a wait of a known share of its time.

A plugin (``--plugin suites/calibration/twins.py``), not a part of the registry: these are no choices for a user.
"""

from __future__ import annotations

from typing import Any

from pointwise_bench import Backend, Layer, Problem, get, register
from pointwise_bench.suites.harness.timing.slowed import Slowed


@register
class Twin(Backend):
    """NumPy's matmul under another name."""

    name = "twin"
    output = "reused"
    original = "numpy-matmul"

    def refuses(self, problem: Problem) -> str | None:
        """What the original refuses."""
        return get(self.original).refuses(problem)

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        """The original's layer."""
        return get(self.original).prepare(problem, weight, bias, threads)


@register
class TwinAgain(Twin):
    """The very same."""

    name = "twin-again"


class Slower(Twin):
    """The same layer, then a timed wait for ``percent`` of its time."""

    percent = 0

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        """As the controls of every run are slowed."""
        return Slowed(get(self.original), self.percent).prepare(problem, weight, bias, threads)


@register
class TwinSlowerBy1(Slower):
    """Half of the margin: a difference that is to be called none."""

    name, percent = "twin-slower-by-1", 1


@register
class TwinSlowerBy3(Slower):
    """One and a half margins."""

    name, percent = "twin-slower-by-3", 3


@register
class TwinSlowerBy5(Slower):
    """Two and a half margins."""

    name, percent = "twin-slower-by-5", 5
