"""The course of the claims: start after start of all workers, in each of them backend after backend, all its claims.

One backend at a time, where single problems interleave all: what is compared here is a backend with itself. The workers
are those that the cells have left, and are started anew together: a start takes a second or two and a claim some
tenths, so that a worker ended after each backend's claims cost more than all the timing.

The first start has most of the time, in which as many claims are measured as possible. The later ones measure again
what was measured least, and there are as many of them as leave more time for measuring than for starting. So a backend
that compiles for a second before each claim shows them all, some in one start only, where three starts of whatever
fits would show a third of them. The report widens the intervals by how much starts disagree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from pointwise_bench.backends import registry
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile, ClaimKey, ClaimResult
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples
from pointwise_bench.suites.harness.design.rounds import PASSES
from pointwise_bench.suites.harness.machine.affinity import cores_of
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.record.run_folder import now
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.trial import BUDGET_TOLERANCE
from pointwise_bench.suites.harness.worker.client_protocol import Client
from pointwise_bench.suites.harness.worker.pool import Pool

CLAIMS_S: Final = 150.0  # for all backends together, where no time budget says otherwise
MOST_WAIT_S: Final = 8.0  # for one claim: among two dozen claims nobody may take the others' time
MOST_TIME_OUTS: Final = 2  # after as many in a row a backend is asked no further claim
RESTART_S: Final = 0.8  # of one worker, kept back for each of the later starts
WORTH: Final = 3.0  # a later start is made where it has as many times what restarting takes
FIRST_SHARE: Final = 0.65  # of the time beside those, for the first start
SHARE_OF_VISIT: Final = 0.15  # of a visit's time, for a single claim at most


@dataclass(frozen=True)
class Task:
    """One backend with one thread budget, and the claims that it is asked for."""

    backend: str
    threads: int
    claims: tuple[Claim, ...]


class ClaimPasses:
    """Measures what ``tasks`` hold and ``record`` lacks, within ``seconds``."""

    def __init__(
        self,
        tasks: Sequence[Task],
        settings: Options,
        record: ClaimFile,
        pool: Pool,
        seed: int,
        announce: Callable[[str], None],
    ) -> None:
        self._tasks = tasks
        self._settings = settings
        self._record = record
        self._pool = pool
        self._seed = seed
        self._rng = Random(seed)  # noqa: S311  # shuffles turns, keeps no secret
        self._announce = announce
        self._questions: dict[str, ClaimInputs] = {}

    def run(self, seconds: float) -> None:
        """Every task in every start, as far as the time reaches; what was not reached is left to a resumed run."""
        ends = time.monotonic() + seconds
        parts = [_Part(task, claims) for task in self._tasks if (claims := self._open(task)) and self._is_here(task)]
        starts = 1 if self._settings.in_process else PASSES
        try:
            self._start(parts, 0, self._first_s(ends, parts, starts), is_last=starts == 1)
            for number in range(1, starts if parts else 1):
                left_s = ends - time.monotonic()
                more = min(starts - number, int(left_s / (WORTH * RESTART_S * len(parts))))
                if more < 1:
                    break
                self._pool.restart()
                self._start(parts, number, left_s / more, is_last=more == 1)
            for part in parts:
                self._write(part)
        finally:
            for question in self._questions.values():
                question.close()

    @staticmethod
    def _first_s(ends: float, parts: Sequence[_Part], starts: int) -> float:
        """Seconds for the first start, whose workers are there already."""
        left_s = ends - time.monotonic() - (starts - 1) * RESTART_S * len(parts)
        return left_s if starts == 1 else FIRST_SHARE * left_s

    def _is_here(self, task: Task) -> bool:
        """Whether the backend can be asked anything; if not, its lines say why and it gets no share of the time."""
        part = _Part(task, self._open(task))
        try:
            missing = self._pool.station(task.backend, task.threads).missing
            if missing is None:
                return True
            part.end_all(Ended("unavailable", missing))
        except Ended as failed:
            part.end_all(failed)
        self._write(part)
        return False

    def _open(self, task: Task) -> list[Claim]:
        return [claim for claim in task.claims if self._key(task, claim) not in self._record]

    @staticmethod
    def _key(task: Task, claim: Claim) -> ClaimKey:
        return (claim.name, task.backend, task.threads)

    # --- the starts -----------------------------------------------------------------------------------------

    def _start(self, parts: Sequence[_Part], number: int, seconds: float, *, is_last: bool) -> None:
        """One start of every worker: each has its share of the time, and what fast ones leave is for slow ones."""
        ends = time.monotonic() + seconds
        while waiting := [part for part in parts if part.waiting(number)]:
            for place, part in enumerate(waiting):
                if (left_s := ends - time.monotonic()) <= 0:
                    return
                self._visit(part, number, left_s / (len(waiting) - place))
                self._say(part, number, f"{place + 1}/{len(waiting)}")
                if is_last and not part.waiting(number):
                    self._write(part)

    def _visit(self, part: _Part, number: int, seconds: float) -> None:
        """Ask one worker for as many claims as fit into ``seconds``, one at least."""
        claims, ends = part.waiting(number), time.monotonic() + seconds
        try:
            for place, claim in enumerate(claims):
                left_s = ends - time.monotonic()
                if place and left_s <= 0:
                    break
                part.asked[claim.name] = number
                self._ask(part, claim, number, min(left_s / (len(claims) - place), SHARE_OF_VISIT * seconds))
        except Ended as ended:  # its worker cannot be started
            part.end_all(ended)

    def _ask(self, part: _Part, claim: Claim, number: int, seconds: float) -> None:
        station = self._pool.station(part.task.backend, part.task.threads)
        assert station.host is not None, "a station without a host says what is missing"
        if part.time_outs >= MOST_TIME_OUTS:
            part.ended[claim.name] = Ended("timed-out", f"not tried: {part.time_outs} claims in a row before it were")
            return
        try:
            shown = self._show(station.host, claim, number, part.task.threads, seconds)
            if shown.refusal:
                raise Ended("unsupported", shown.refusal)
            if shown.cpu_over_wall > part.task.threads + BUDGET_TOLERANCE:
                raise Ended(
                    "failed",
                    f"used {shown.cpu_over_wall:.2f} CPU seconds per second on a budget of {part.task.threads}",
                )
            part.shown.setdefault(claim.name, {})[station.starts - 1] = shown
            part.time_outs = 0
        except Ended as ended:
            part.ended[claim.name] = ended
            part.time_outs = part.time_outs + 1 if ended.status == "timed-out" else 0
            if not ended.alive:
                self._pool.dismiss(station)

    def _show(self, host: Client, claim: Claim, number: int, threads: int, seconds: float) -> ClaimSamples:
        cores = None if self._settings.in_process else cores_of(threads, number)
        patience_s = min(self._settings.timeout_s, MOST_WAIT_S)
        return host.show(self._question(claim), seconds, self._rng.randrange(2**32), cores, patience_s)

    def _question(self, claim: Claim) -> ClaimInputs:
        if claim.name not in self._questions:
            self._questions[claim.name] = ClaimInputs.of(claim, self._seed)
        return self._questions[claim.name]

    # --- what came out --------------------------------------------------------------------------------------

    def _say(self, part: _Part, number: int, place: str) -> None:
        done = f"{len(part.shown.keys() - part.ended.keys())} of {len(part.claims)} claims timed"
        left = f", {len(waiting)} wait" if (waiting := part.waiting(number)) else ""
        where = f"[claims, start {number + 1}, {place}]"
        self._announce(f"{where} {part.task.backend}, threads: {part.task.threads}: {done}{left}")

    def _write(self, part: _Part) -> None:
        """A line for each claim that has ended or was timed, and has none yet."""
        known = [claim for claim in self._open(part.task) if part.knows(claim)]
        self._record.append(self._finding(part, claim) for claim in known)

    def _finding(self, part: _Part, claim: Claim) -> ClaimResult:
        backend = registry.get(part.task.backend)
        finding = ClaimResult(
            claim=claim.name,
            backend=part.task.backend,
            threads=part.task.threads,
            device=backend.device,
            output=backend.output,
            isolation="in-process" if self._settings.in_process else "worker",
            started_at=part.began_at,
        )
        if (ended := part.ended.get(claim.name)) is not None:
            finding.end(ended.status, ended.reason, ended.error_ratio)
        else:
            finding.unite_passes(part.shown[claim.name])
        return finding


class _Part:
    """What one task has shown so far, and which of its claims have ended."""

    def __init__(self, task: Task, claims: Sequence[Claim]) -> None:
        self.task = task
        self.claims = claims
        self.began_at = now()
        self.time_outs = 0  # in a row
        self.asked: dict[str, int] = {}  # the last start in which it was
        self.shown: dict[str, dict[int, ClaimSamples]] = {}
        self.ended: dict[str, Ended] = {}

    def waiting(self, number: int) -> list[Claim]:
        """Those that start ``number`` has not asked for yet: what was shown least comes first, then the least work."""
        left = [claim for claim in self.claims if claim.name not in self.ended and self.asked.get(claim.name) != number]
        return sorted(left, key=lambda claim: (len(self.shown.get(claim.name, ())), claim.flops))

    def knows(self, claim: Claim) -> bool:
        """Whether there is anything to write about it."""
        return claim.name in self.ended or claim.name in self.shown

    def end_all(self, ended: Ended) -> None:
        """End what has not ended: the worker cannot be started."""
        for claim in self.claims:
            self.ended.setdefault(claim.name, ended)
