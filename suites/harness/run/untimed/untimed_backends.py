"""Backends for untimed tests: asked one thing at a time, in worker processes like those of a run."""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from pointwise_bench import Problem
from pointwise_bench.backends.backend import UNTIMED
from pointwise_bench.suites.harness.machine.thread_variables import patient_variables
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.untimed.kept_cases import KeptCases
from pointwise_bench.suites.harness.verify.questions import Array, Weights
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import Client
from pointwise_bench.suites.harness.worker.pool import Pool

LAST_ANSWERS = 15
TICK_S = 1 / os.sysconf("SC_CLK_TCK")  # to which processor seconds are counted


class _Answer(NamedTuple):
    """What an answer of a backend took, and how large its problem was."""

    seconds: float
    macs: int


class UntimedBackends:
    """Workers for single questions, on one thread or on as many as were asked for.

    Asking another backend ends the workers of the one before: those of twenty libraries would fill the memory, and the
    tests ask one backend after the other.
    """

    def __init__(self, logs: Path, options: Options) -> None:
        self._pool = Pool(logs, in_process=options.in_process, variables=patient_variables() | {UNTIMED: "1"})
        self._timeout_s = options.timeout_s
        self._cases = KeptCases()
        self._answers: defaultdict[str, list[_Answer]] = defaultdict(list)
        self.most_threads = max(options.threads)
        """The largest thread budget of the session."""

    def missing(self, backend: str) -> str | None:
        """What the backend says that it is missing. ``Ended`` when its worker cannot be started."""
        self._end_others(backend)
        return self._pool.slot(backend, 1).missing

    def refuses(self, backend: str, problem: Problem) -> str | None:
        """Why the backend refuses the problem, or None."""
        with self._client(backend, 1) as client:
            return client.refuses(problem, self._timeout_s)

    def apply(self, backend: str, problem: Problem, weights: Weights, x: Array, threads: int = 1) -> Array:
        """The backend's result for ``x``. ``Ended`` when it gives none."""
        with self._client(backend, threads) as client:
            return client.apply(problem, weights, x, self._timeout_s)

    def verify(self, backend: str, problem: Problem, seed: int = 0, threads: int = 1, *, by_time: bool = False) -> None:
        """Verify the backend by the gate, before and after a few calls. ``Ended`` where it does not pass.

        ``by_time``: also by what tells answers that are remembered, and work that goes on behind the clock, from how
        long calls take. That takes as many calls as all other questions together, and shows on large problems only.
        """
        with (
            self._cases.of(problem, seed) as shared,
            self._client(backend, threads) as client,
            self._counted(backend, problem, client),
        ):
            client.set_up(shared, self._timeout_s)
            client.turn(2, 0.0, None, self._timeout_s)
            if by_time:
                client.finish(self._timeout_s)  # asks what check_answers does, too
            else:
                client.check_answers(self._timeout_s)

    def expected_seconds(self, backend: str, problem: Problem | None = None) -> float:
        """Processor seconds that an answer of the backend takes, to this problem or, without one, as a rule.

        At least what is usual. At least what the problem's multiply-adds take, too, as the cheapest of all answers so
        far has them, each without what is usual: that is compiling, which does not grow with a problem.
        """
        usual_s = self._usual_seconds(backend)
        per_mac_s = [
            (max(0.0, each.seconds - usual_s) + TICK_S) / each.macs for each in self._answers[backend] if each.macs
        ]
        return max(usual_s, problem.macs * min(per_mac_s)) if problem and per_mac_s else usual_s

    def _usual_seconds(self, backend: str) -> float:
        """Processor seconds of an answer of the backend, with compiling for its problem: the median of the last few.

        Not seconds of the clock, which pass faster for a backend beside which others compute. Of the last few, since
        what is compiled once for a dtype or a layout costs the first of its problems only. 0 where nothing was asked.
        """
        return statistics.median([each.seconds for each in self._answers[backend][-LAST_ANSWERS:]] or [0.0])

    def close(self) -> None:
        """End all workers, and free the cases."""
        self._pool.close()
        self._cases.close()

    @contextmanager
    def _client(self, backend: str, threads: int) -> Iterator[Client]:
        """The backend's worker, which is let go of when it has ended inside."""
        self._end_others(backend)
        slot = self._pool.slot(backend, threads)
        assert slot.client is not None, "a slot whose backend is available has a client"
        try:
            yield slot.client
        except Ended as ended:
            if not ended.alive:
                self._pool.dismiss(slot)
            raise

    @contextmanager
    def _counted(self, backend: str, problem: Problem, client: Client) -> Iterator[None]:
        before_s = _processor_s(client)
        yield
        self._answers[backend].append(_Answer(_processor_s(client) - before_s, problem.macs))

    def _end_others(self, backend: str) -> None:
        for slot in [each for each in self._pool.occupied() if each.backend.name != backend]:
            self._pool.dismiss(slot)


def _processor_s(client: Client) -> float:
    """Processor seconds of a client's process and of the children that it has waited for; 0 when it is gone."""
    try:
        times = psutil.Process(client.pid if isinstance(client, WorkerClient) else None).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
