"""A small problem and a correct backend whose calls do something besides, for tests of what is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.harness.verify.cases import CaseSet

PROBLEM = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
CASES = CaseSet.of(PROBLEM, seed=1)


class Scripted(Backend):
    """A correct backend that does something besides in every call of its layer, or while it prepares."""

    name = "scripted"

    def __init__(self, act: Callable[[int], None], prepare: Callable[[], None] = lambda: None) -> None:
        self.calls = 0
        self.act = act
        self.while_preparing = prepare

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Returns the matrix product, with the act before it."""
        self.while_preparing()

        def layer(x: Any) -> Any:
            self.calls += 1
            self.act(self.calls)
            return np.matmul(weight, x.reshape(problem.batch, problem.in_channels, -1)).reshape(problem.output_shape)

        return layer


def layer_of(backend: Scripted) -> Any:
    """Its layer for :data:`PROBLEM`."""
    return backend.prepare(PROBLEM, CASES.real.weight, None, 1)
