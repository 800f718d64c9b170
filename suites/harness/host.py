"""Where a backend runs: the questions that the harness can put to it, in a worker process or in this one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from backends import Problem, registry
from suites.harness.claim_question import ClaimQuestion
from suites.harness.claimant import Claimant, Shown
from suites.harness.examination import Array, Examination, Weights
from suites.harness.outcome import Ended
from suites.harness.rotation import Cache
from suites.harness.subject import Admission, Conclusion, Subject, Turn, libraries


class SharedExamination:
    """An examination, made into a block of shared memory when the first worker needs it."""

    def __init__(self, problem: Problem, examination: Examination, cache: Cache = "hot") -> None:
        self.problem = problem
        self.examination = examination
        self.cache: Cache = cache
        self._descriptor: int | None = None

    def descriptor(self) -> int:
        """The block's file descriptor, owned by this object."""
        if self._descriptor is None:
            self._descriptor = self.examination.to_block()
        return self._descriptor

    def close(self) -> None:
        """Let the memory go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Host(Protocol):
    """One backend with its thread budget. Every method may raise :class:`Ended`."""

    isolation: str

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`backends.Backend.missing`."""

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`backends.Backend.refuses`."""

    def examine(self, question: SharedExamination, timeout_s: float, *, whole: bool = True) -> Admission:
        """See :meth:`Subject.examine`."""

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`Subject.turn`."""

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """See :meth:`Subject.idle`."""

    def conclude(self, timeout_s: float) -> Conclusion:
        """See :meth:`Subject.conclude`."""

    def apply(self, problem: Problem, weights: Weights, x: Array, timeout_s: float) -> Array:
        """See :meth:`Subject.apply`."""

    def show(
        self, question: ClaimQuestion, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> Shown:
        """See :meth:`Claimant.show`."""

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`suites.harness.subject.libraries`."""

    def ran(self, timeout_s: float) -> str | None:
        """See :meth:`backends.Backend.ran`."""

    def kill(self) -> None:
        """End whatever carries the backend. Safe to call twice."""


class InProcess:
    """The backend in this very process, for debuggers and profilers: nothing is isolated and no time-out is kept."""

    isolation = "in-process"

    def __init__(self, backend: str, threads: int) -> None:
        self._backend = registry.get(backend)
        self._subject = Subject(self._backend, threads)

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`backends.Backend.missing`."""
        with _ending("missing"):
            return self._backend.missing()

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`backends.Backend.refuses`."""
        with _ending("refuses"):
            return self._backend.refuses(problem)

    def examine(self, question: SharedExamination, timeout_s: float, *, whole: bool = True) -> Admission:
        """See :meth:`Subject.examine`."""
        with _ending("examine"):
            return self._subject.examine(question.problem, question.examination, question.cache, whole=whole)

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`Subject.turn`."""
        with _ending("turn"):
            return self._subject.turn(calls, warm_s, cores)

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """See :meth:`Subject.idle`."""
        with _ending("idle"):
            return self._subject.idle(settled_s)

    def conclude(self, timeout_s: float) -> Conclusion:
        """See :meth:`Subject.conclude`."""
        with _ending("conclude"):
            return self._subject.conclude()

    def apply(self, problem: Problem, weights: Weights, x: Array, timeout_s: float) -> Array:
        """See :meth:`Subject.apply`."""
        with _ending("apply"):
            return self._subject.apply(problem, weights, x)

    def show(
        self, question: ClaimQuestion, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> Shown:
        """See :meth:`Claimant.show`."""
        with _ending(question.claim.name):
            return Claimant(self._backend, self._subject.threads, question).show(seconds, seed, cores)

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`suites.harness.subject.libraries`."""
        return libraries()

    def ran(self, timeout_s: float) -> str | None:
        """See :meth:`backends.Backend.ran`."""
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
