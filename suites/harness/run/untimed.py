"""Backends for untimed tests: asked one thing at a time, in worker processes like those of a run."""

from __future__ import annotations

from pathlib import Path

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.verify.cases import Array, CaseSet, Weights
from pointwise_bench.suites.harness.worker.client_protocol import Client, SharedCases
from pointwise_bench.suites.harness.worker.pool import Pool


class UntimedBackends:
    """A pool with one thread budget: the largest that was asked for, since races need more than one thread."""

    def __init__(self, logs: Path, options: Options) -> None:
        self._pool = Pool(logs, in_process=options.in_process)
        self._threads = max(options.threads)
        self._timeout_s = options.timeout_s

    def missing(self, backend: str) -> str | None:
        """What the backend says that it is missing. ``Ended`` when its worker cannot be started."""
        return self._pool.slot(backend, self._threads).missing

    def refuses(self, backend: str, problem: Problem) -> str | None:
        """Why the backend refuses the problem, or None."""
        try:
            return self._client(backend).refuses(problem, self._timeout_s)
        except Ended as ended:
            self._dismiss_if_dead(backend, ended)
            raise

    def apply(self, backend: str, problem: Problem, weights: Weights, x: Array) -> Array:
        """The backend's result for ``x``. ``Ended`` when it gives none."""
        try:
            return self._client(backend).apply(problem, weights, x, self._timeout_s)
        except Ended as ended:
            self._dismiss_if_dead(backend, ended)
            raise

    def verify(self, backend: str, problem: Problem, seed: int = 0) -> float | None:
        """Verify the backend by the gate, before and after a few calls. Returns its error over the bound."""
        shared = SharedCases(problem, CaseSet.of(problem, seed))
        client = self._client(backend)
        try:
            client.set_up(shared, self._timeout_s)
            client.turn(2, 0.0, None, self._timeout_s)
            return client.finish(self._timeout_s).error_ratio
        except Ended as ended:
            self._dismiss_if_dead(backend, ended)
            raise
        finally:
            shared.close()

    def close(self) -> None:
        """End all workers."""
        self._pool.close()

    def _client(self, backend: str) -> Client:
        client = self._pool.slot(backend, self._threads).client
        assert client is not None, "a slot whose backend is available has a client"
        return client

    def _dismiss_if_dead(self, backend: str, ended: Ended) -> None:
        if not ended.alive:
            self._pool.dismiss(self._pool.slot(backend, self._threads))
