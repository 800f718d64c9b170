"""Where a backend runs: the questions that the harness can put to it, in a worker process or in this one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from pointwise_bench.backends import Problem, registry
from pointwise_bench.common.formats import Cache
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples, TimedClaim
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.process_statistics import libraries
from pointwise_bench.suites.harness.timing.timed_layer import Finish, SetUp, TimedLayer
from pointwise_bench.suites.harness.verify.cases import Array, CaseSet, Weights


class SharedCases:
    """An examination, made into a block of shared memory when the first worker needs it."""

    def __init__(self, problem: Problem, cases: CaseSet, cache: Cache = "hot") -> None:
        self.problem = problem
        self.cases = cases
        self.cache: Cache = cache
        self._descriptor: int | None = None

    def descriptor(self) -> int:
        """The block's file descriptor, owned by this object."""
        if self._descriptor is None:
            self._descriptor = self.cases.to_block()
        return self._descriptor

    def close(self) -> None:
        """Let the memory go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Client(Protocol):
    """One backend with its thread budget. Every method may raise :class:`Ended`."""

    isolation: str

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.missing`."""

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.refuses`."""

    def set_up(self, question: SharedCases, timeout_s: float, *, whole: bool = True) -> SetUp:
        """See :meth:`TimedLayer.set_up`."""

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`TimedLayer.turn`."""

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """See :meth:`TimedLayer.idle`."""

    def finish(self, timeout_s: float) -> Finish:
        """See :meth:`TimedLayer.finish`."""

    def apply(self, problem: Problem, weights: Weights, x: Array, timeout_s: float) -> Array:
        """See :meth:`TimedLayer.apply`."""

    def show(
        self, question: ClaimInputs, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> ClaimSamples:
        """See :meth:`TimedClaim.show`."""

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`pointwise_bench.suites.harness.timing.process_statistics.libraries`."""

    def ran(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.ran`."""

    def kill(self) -> None:
        """End whatever carries the backend. Safe to call twice."""


class InProcessClient:
    """The backend in this very process, for debuggers and profilers: nothing is isolated and no time-out is kept."""

    isolation = "in-process"

    def __init__(self, backend: str, threads: int) -> None:
        self._backend = registry.get(backend)
        self._timed_layer = TimedLayer(self._backend, threads)

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.missing`."""
        with _ending("missing"):
            return self._backend.missing()

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.refuses`."""
        with _ending("refuses"):
            return self._backend.refuses(problem)

    def set_up(self, question: SharedCases, timeout_s: float, *, whole: bool = True) -> SetUp:
        """See :meth:`TimedLayer.set_up`."""
        with _ending("set_up"):
            return self._timed_layer.set_up(question.problem, question.cases, question.cache, whole=whole)

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`TimedLayer.turn`."""
        with _ending("turn"):
            return self._timed_layer.turn(calls, warm_s, cores)

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """See :meth:`TimedLayer.idle`."""
        with _ending("idle"):
            return self._timed_layer.idle(settled_s)

    def finish(self, timeout_s: float) -> Finish:
        """See :meth:`TimedLayer.finish`."""
        with _ending("finish"):
            return self._timed_layer.finish()

    def apply(self, problem: Problem, weights: Weights, x: Array, timeout_s: float) -> Array:
        """See :meth:`TimedLayer.apply`."""
        with _ending("apply"):
            return self._timed_layer.apply(problem, weights, x)

    def show(
        self, question: ClaimInputs, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> ClaimSamples:
        """See :meth:`TimedClaim.show`."""
        with _ending(question.claim.name):
            return TimedClaim(self._backend, self._timed_layer.threads, question).show(seconds, seed, cores)

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`pointwise_bench.suites.harness.timing.process_statistics.libraries`."""
        return libraries()

    def ran(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.ran`."""
        with _ending("ran"):
            return self._backend.ran()

    def kill(self) -> None:
        """Nothing to do: a backend in this process goes when the process does."""


@contextmanager
def _ending(during: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # not KeyboardInterrupt: in this process it is the user's
        raise Ended.because_of(error, during) from error
