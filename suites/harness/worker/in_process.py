"""The client of a backend that runs in this very process, for debuggers and profilers (``--in-process``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pointwise_bench.backends import Problem, registry
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples, TimedClaim
from pointwise_bench.suites.harness.machine import devices
from pointwise_bench.suites.harness.record.ended import Ended, WrongAnswer
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, SetUp
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.harness.timing.process_statistics import libraries
from pointwise_bench.suites.harness.timing.properties import Properties, examine
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp
from pointwise_bench.suites.harness.timing.timed_sequence import Layers, SequenceSamples, TimedSequence
from pointwise_bench.suites.harness.verify.questions import Array, Weights
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

Look = Callable[[Exception], None]


class InProcessClient:
    """A backend in this process. Implements :class:`client_protocol.Client`; isolates nothing and keeps no time-out.

    What judges stands beside the backend here: that no plugin reaches it holds in worker processes only.
    """

    isolation = "in-process"

    def __init__(self, backend: str, threads: int) -> None:
        self._backend = registry.get(backend)
        self._layer = JudgedLayer(self._backend, threads)

    def missing(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.missing`."""
        with _ending("missing"):
            return self._backend.missing() or devices.not_shown(self._backend.device)

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.refuses`."""
        with _ending("refuses"):
            return self._backend.refuses(problem)

    def set_up(self, cases: SharedCases, timeout_s: float, *, whole: bool = True) -> SetUp:
        """See :meth:`JudgedLayer.set_up`."""
        with _ending("set_up"):
            return self._layer.set_up(cases.problem, cases.cases, cases.cache, whole=whole)

    def warm_up(self, timeout_s: float) -> WarmUp:
        """See :meth:`TimedLayer.warm_up`."""
        with _ending("warm_up"):
            return self._layer.warm_up()

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """See :meth:`TimedLayer.turn`."""
        with _ending("turn"):
            return self._layer.turn(calls, warm_s, cores)

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """See :meth:`TimedLayer.idle`."""
        with _ending("idle"):
            return self._layer.timed.idle(settled_s)

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """See :meth:`JudgedLayer.check_answers`."""
        with _ending("check_answers"):
            self._layer.check_answers(thorough=thorough)

    def finish(self, timeout_s: float) -> Finish:
        """See :meth:`JudgedLayer.finish`."""
        with _ending("finish"):
            return self._layer.finish()

    def apply(self, problem: Problem, weights: Weights, x: Array, timeout_s: float) -> Array:
        """See :meth:`TimedLayer.apply`."""
        with _ending("apply"):
            return self._layer.timed.apply(problem, weights, x)

    def time_claim(
        self, inputs: ClaimInputs, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> ClaimSamples:
        """See :meth:`TimedClaim.measure`."""
        with _ending(inputs.claim.name):
            return TimedClaim(self._backend, self._layer.timed.threads, inputs).measure(seconds, seed, cores)

    def time_sequence(
        self, layers: Layers, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> SequenceSamples:
        """See :meth:`TimedSequence.measure`."""
        with _ending("time_sequence"):
            return TimedSequence(self._backend, self._layer.timed.threads, layers).measure(seconds, seed, cores)

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """See :func:`pointwise_bench.suites.harness.timing.process_statistics.libraries`."""
        return libraries()

    def ran(self, timeout_s: float) -> str | None:
        """See :meth:`pointwise_bench.backends.Backend.ran`."""
        with _ending("ran"):
            return self._backend.ran()

    def examine(self, timeout_s: float) -> Properties | None:
        """See :func:`pointwise_bench.suites.harness.timing.properties.examine`."""
        with _ending("examine"):
            return examine(self._backend, self._layer.timed.threads)

    def leave(self, patience_s: float) -> None:
        """Do nothing, for the same reason as :meth:`kill`."""

    def kill(self) -> None:
        """Do nothing: a backend in this process ends with the process."""


_looking: list[Look] = []


def look_at_failures(look: Look | None) -> None:
    """Have ``look`` called with every exception of a backend, before it becomes the end of a cell; None: nobody."""
    _looking[:] = [] if look is None else [look]


@contextmanager
def _ending(during: str) -> Iterator[None]:
    """Turn an exception of the backend, or of the gate, into :class:`Ended`, as a worker process does."""
    try:
        yield
    except Exception as error:  # not KeyboardInterrupt: in this process it is the user's
        if not isinstance(error, WrongAnswer):  # what was raised in the gate, whose message says all
            for look in _looking:
                look(error)
        raise Ended.because_of(error, during) from error
