"""The passes over the claims: all workers are started, and one backend after the other is timed on its claims.

One backend at a time, where the trials of problems interleave all: what is compared here is a backend with itself. The
workers of the first pass are those of the cells, and all are started anew together: a start takes a second or two and a
claim some tenths, so that a start for each backend's claims would cost more than all the timing.

The first pass has most of the time, in which as many claims are measured as possible. The later ones measure again what
was measured least, and there are as many of them as leave more time for measuring than for starting. So a backend that
compiles for a second before each claim is measured on all of them, on some in one pass only; three passes of equal time
would reach a third of them. The report widens the intervals by how much starts disagree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from pointwise_bench.backends import registry
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile, ClaimKey, ClaimResult
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.affinity import cores_of
from pointwise_bench.suites.harness.record.ended import NOT_TRIED, Ended
from pointwise_bench.suites.harness.record.run_folder import now
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.worker.client_protocol import Client
from pointwise_bench.suites.harness.worker.pool import Pool


@dataclass(frozen=True)
class Task:
    """One backend with one thread budget, and the claims that it is asked for."""

    backend: str
    threads: int
    claims: tuple[Claim, ...]


class ClaimPasses:
    """Measures what ``tasks`` hold and ``claim_file`` lacks."""

    def __init__(
        self,
        tasks: Sequence[Task],
        options: Options,
        claim_file: ClaimFile,
        pool: Pool,
        seed: int,
        announce: Callable[[str], None],
    ) -> None:
        self._tasks = tasks
        self._options = options
        self._claim_file = claim_file
        self._pool = pool
        self._seed = seed
        self._rng = Random(seed)  # noqa: S311  # shuffles turns, keeps no secret
        self._announce = announce
        self._inputs: dict[str, ClaimInputs] = {}

    def run(self, seconds: float) -> None:
        """Every task in every pass, as far as ``seconds`` reach; what they do not reach is left to a resumed run."""
        ends = time.monotonic() + seconds
        unwritten = [(task, self._unwritten(task)) for task in self._tasks]
        states = [_TaskState(task, claims) for task, claims in unwritten if claims and self._is_available(task)]
        passes = 1 if self._options.in_process else POLICY.rounds.passes
        try:
            self._pass(states, 0, self._first_s(ends, states, passes), is_last=passes == 1)
            for number in range(1, passes if states else 1):
                left_s = ends - time.monotonic()
                more = min(passes - number, int(left_s / (POLICY.claims.worth * POLICY.claims.restart_s * len(states))))
                if more < 1:
                    break
                self._pool.restart()
                self._pass(states, number, left_s / more, is_last=more == 1)
            for state in states:
                self._write(state)
        finally:
            for inputs in self._inputs.values():
                inputs.close()

    @staticmethod
    def _first_s(ends: float, states: Sequence[_TaskState], passes: int) -> float:
        """Seconds for the first pass, whose workers are started already."""
        left_s = ends - time.monotonic() - (passes - 1) * POLICY.claims.restart_s * len(states)
        return left_s if passes == 1 else POLICY.claims.first_share * left_s

    def _is_available(self, task: Task) -> bool:
        """Whether the backend is available; if not, its results say why and it gets no share of the time."""
        state = _TaskState(task, self._unwritten(task))
        try:
            missing = self._pool.slot(task.backend, task.threads).missing
            if missing is None:
                return True
            state.end_all(Ended("unavailable", missing))
        except Ended as failed:
            state.end_all(failed)
        self._write(state)
        return False

    def _unwritten(self, task: Task) -> list[Claim]:
        """Claims of the task that have no result in the file yet."""
        return [claim for claim in task.claims if self._key(task, claim) not in self._claim_file]

    @staticmethod
    def _key(task: Task, claim: Claim) -> ClaimKey:
        return (claim.name, task.backend, task.threads)

    # --- the passes -----------------------------------------------------------------------------------------

    def _pass(self, states: Sequence[_TaskState], number: int, seconds: float, *, is_last: bool) -> None:
        """One start of every worker: each has its share of the time, and what fast backends leave is for slow ones."""
        ends = time.monotonic() + seconds
        while waiting := [state for state in states if state.waiting(number)]:
            for place, state in enumerate(waiting):
                if (left_s := ends - time.monotonic()) <= 0:
                    return
                self._visit(state, number, left_s / (len(waiting) - place))
                self._announce_progress(state, number, f"{place + 1}/{len(waiting)}")
                if is_last and not state.waiting(number):
                    self._write(state)

    def _visit(self, state: _TaskState, number: int, seconds: float) -> None:
        """Time one backend on as many claims as fit into ``seconds``, one at least."""
        claims, ends = state.waiting(number), time.monotonic() + seconds
        try:
            for place, claim in enumerate(claims):
                left_s = ends - time.monotonic()
                if place and left_s <= 0:
                    break
                state.reached[claim.name] = number
                share_s = min(left_s / (len(claims) - place), POLICY.claims.share_of_visit * seconds)
                self._time(state, claim, number, share_s)
        except Ended as ended:  # its worker cannot be started
            state.end_all(ended)

    def _time(self, state: _TaskState, claim: Claim, number: int, seconds: float) -> None:
        slot = self._pool.slot(state.task.backend, state.task.threads)
        assert slot.client is not None, "a slot whose backend is available has a client"
        if state.time_outs >= POLICY.claims.most_time_outs:
            state.ended[claim.name] = Ended("timed-out", f"{NOT_TRIED}{state.time_outs} claims in a row before it were")
            return
        try:
            samples = self._samples(slot.client, claim, number, state.task.threads, seconds)
            if samples.refusal:
                raise Ended("unsupported", samples.refusal)
            if samples.cpu_over_wall > state.task.threads + POLICY.acceptance.budget_tolerance:
                raise Ended(
                    "failed",
                    f"used {samples.cpu_over_wall:.2f} CPU seconds per second on a budget of {state.task.threads}",
                )
            state.samples.setdefault(claim.name, {})[slot.starts - 1] = samples
            state.time_outs = 0
        except Ended as ended:
            state.ended[claim.name] = ended
            state.time_outs = state.time_outs + 1 if ended.status == "timed-out" else 0
            if not ended.alive:
                self._pool.dismiss(slot)

    def _samples(self, client: Client, claim: Claim, number: int, threads: int, seconds: float) -> ClaimSamples:
        cores = None if self._options.in_process else cores_of(threads, number)
        patience_s = min(self._options.timeout_s, POLICY.claims.most_wait_s)
        return client.time_claim(self._inputs_of(claim), seconds, self._rng.randrange(2**32), cores, patience_s)

    def _inputs_of(self, claim: Claim) -> ClaimInputs:
        if claim.name not in self._inputs:
            self._inputs[claim.name] = ClaimInputs.of(claim, self._seed)
        return self._inputs[claim.name]

    # --- results --------------------------------------------------------------------------------------------

    def _announce_progress(self, state: _TaskState, number: int, place: str) -> None:
        done = f"{len(state.samples.keys() - state.ended.keys())} of {len(state.claims)} claims timed"
        left = f", {len(waiting)} left" if (waiting := state.waiting(number)) else ""
        where = f"[claims, pass {number + 1}, {place}]"
        self._announce(f"{where} {state.task.backend}, threads: {state.task.threads}: {done}{left}")

    def _write(self, state: _TaskState) -> None:
        """Write the result of each claim that was timed or has ended and is not written yet."""
        known = [claim for claim in self._unwritten(state.task) if state.has_result(claim)]
        self._claim_file.append(self._result(state, claim) for claim in known)

    def _result(self, state: _TaskState, claim: Claim) -> ClaimResult:
        backend = registry.get(state.task.backend)
        result = ClaimResult(
            claim=claim.name,
            backend=state.task.backend,
            threads=state.task.threads,
            device=backend.device,
            output=backend.output,
            isolation="in-process" if self._options.in_process else "worker",
            started_at=state.began_at,
        )
        if (ended := state.ended.get(claim.name)) is not None:
            result.end(ended.status, ended.reason, ended.error_ratio)
        else:
            result.unite_starts(state.samples[claim.name])
        return result


class _TaskState:
    """What was measured of one task so far, and which of its claims have ended."""

    def __init__(self, task: Task, claims: Sequence[Claim]) -> None:
        self.task = task
        self.claims = claims
        self.began_at = now()
        self.time_outs = 0  # in a row
        self.reached: dict[str, int] = {}  # by claim, the last pass that reached it
        self.samples: dict[str, dict[int, ClaimSamples]] = {}
        self.ended: dict[str, Ended] = {}

    def waiting(self, number: int) -> list[Claim]:
        """Claims that pass ``number`` has not reached: those measured least first, then those of the least work."""
        left = [
            claim for claim in self.claims if claim.name not in self.ended and self.reached.get(claim.name) != number
        ]
        return sorted(left, key=lambda claim: (len(self.samples.get(claim.name, ())), claim.flops))

    def has_result(self, claim: Claim) -> bool:
        """Whether there is a result of it."""
        return claim.name in self.ended or claim.name in self.samples

    def end_all(self, ended: Ended) -> None:
        """End all claims that have not ended: the worker cannot be started."""
        for claim in self.claims:
            self.ended.setdefault(claim.name, ended)
