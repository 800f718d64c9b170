"""What the harness can ask of a backend, whether that runs in a worker process or in this one."""

from __future__ import annotations

import os
from threading import Lock
from typing import Any, Protocol

from pointwise_bench import Problem
from pointwise_bench.common.formats import Cache
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, SetUp
from pointwise_bench.suites.harness.timing.properties import Properties
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp
from pointwise_bench.suites.harness.timing.timed_sequence import Layers, SequenceSamples
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.questions import Array, Weights


class SharedCases:
    """The cases of one problem; their questions are written to shared memory when the first worker needs them."""

    def __init__(self, problem: Problem, cases: CaseSet, cache: Cache = "hot") -> None:
        self.problem = problem
        self.cases = cases
        self.cache: Cache = cache
        self._descriptor: int | None = None
        self._writing = Lock()  # workers may be asked beside each other

    def descriptor(self) -> int:
        """The block's file descriptor, owned by this object."""
        with self._writing:
            if self._descriptor is None:
                self._descriptor = self.cases.questions().to_block()
            return self._descriptor

    def close(self) -> None:
        """Free the memory."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Client(Protocol):
    """One backend with its thread budget. Every method may raise :class:`ended.Ended`.

    ``timeout_s``: seconds that the answer may take, after which the backend's part ends as ``timed-out``.
    """

    isolation: str

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.missing`."""

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.refuses`."""

    def set_up(self, cases: SharedCases, timeout_s: float, *, whole: bool = True) -> SetUp:
        """See :meth:`JudgedLayer.set_up`."""

    def warm_up(self, timeout_s: float) -> WarmUp:
        """See :meth:`TimedLayer.warm_up`."""

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`TimedLayer.turn`."""

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """See :meth:`TimedLayer.idle`."""

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """See :meth:`JudgedLayer.check_answers`."""

    def finish(self, timeout_s: float) -> Finish:
        """See :meth:`JudgedLayer.finish`."""

    def apply(self, problem: Problem, weights: Weights, x: Array, timeout_s: float) -> Array:
        """See :meth:`TimedLayer.apply`."""

    def time_claim(
        self, inputs: ClaimInputs, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> ClaimSamples:
        """See :meth:`TimedClaim.measure`."""

    def time_sequence(
        self, layers: Layers, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> SequenceSamples:
        """See :meth:`TimedSequence.measure`."""

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`pointwise_bench.suites.harness.timing.process_statistics.libraries`."""

    def ran(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.ran`."""

    def examine(self, timeout_s: float) -> Properties | None:
        """See :func:`pointwise_bench.suites.harness.timing.properties.examine`."""

    def leave(self, patience_s: float) -> None:
        """Let that process end by itself for so long, so that its exit handlers run; :meth:`kill` is still to come."""

    def kill(self) -> None:
        """End the process that the backend runs in, where it has one of its own. Safe to call twice."""
