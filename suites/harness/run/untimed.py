"""Backends at the disposal of untimed tests: asked one thing at a time, in worker processes like those of a run."""

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

    def __init__(self, logs: Path, settings: Options) -> None:
        self._pool = Pool(logs, in_process=settings.in_process)
        self._threads = max(settings.threads)
        self._timeout_s = settings.timeout_s

    def missing(self, backend: str) -> str | None:
        """What the backend says that it is missing. ``Ended`` when its worker cannot be started."""
        return self._pool.station(backend, self._threads).missing

    def refuses(self, backend: str, problem: Problem) -> str | None:
        """Why the backend refuses the problem, or None."""
        try:
            return self._host(backend).refuses(problem, self._timeout_s)
        except Ended as ended:
            self._dismiss_if_dead(backend, ended)
            raise

    def apply(self, backend: str, problem: Problem, weights: Weights, x: Array) -> Array:
        """The backend's result for ``x``. ``Ended`` when it gives none."""
        try:
            return self._host(backend).apply(problem, weights, x, self._timeout_s)
        except Ended as ended:
            self._dismiss_if_dead(backend, ended)
            raise

    def verify(self, backend: str, problem: Problem, seed: int = 0) -> float | None:
        """Put the backend through the gate, before and after a few calls. Returns its error over the bound."""
        shared = SharedCases(problem, CaseSet.of(problem, seed))
        host = self._host(backend)
        try:
            host.set_up(shared, self._timeout_s)
            host.turn(2, 0.0, None, self._timeout_s)
            return host.finish(self._timeout_s).error_ratio
        except Ended as ended:
            self._dismiss_if_dead(backend, ended)
            raise
        finally:
            shared.close()

    def close(self) -> None:
        """End all workers."""
        self._pool.close()

    def _host(self, backend: str) -> Client:
        host = self._pool.station(backend, self._threads).host
        assert host is not None, "a station that was asked for has a host"
        return host

    def _dismiss_if_dead(self, backend: str, ended: Ended) -> None:
        if not ended.alive:
            self._pool.dismiss(self._pool.station(backend, self._threads))
