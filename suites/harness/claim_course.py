"""The course of the claims: backend after backend, several starts of its worker each, all claims in every start.

One backend at a time, where single problems interleave all: what is compared here is a backend with itself. When its
last start is over its lines are written, so that a run that is killed loses one backend's claims at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from backends import registry
from suites.claims import Claim
from suites.harness.claim_question import ClaimQuestion
from suites.harness.claim_record import ClaimKey, ClaimRecord, Finding
from suites.harness.claimant import Shown
from suites.harness.contest import BUDGET_TOLERANCE
from suites.harness.cores import cores_of
from suites.harness.host import Host
from suites.harness.outcome import Ended
from suites.harness.pool import Pool
from suites.harness.record import now
from suites.harness.rounds import PASSES
from suites.harness.settings import Settings

CLAIMS_S: Final = 150.0  # for all backends together, where no time budget says otherwise
MOST_WAIT_S: Final = 10.0  # for one claim: among two dozen claims nobody may take the others' time
MOST_TIME_OUTS: Final = 2  # after as many in a row a backend is asked no further claim
SHORTEST_VISIT_S: Final = 3.0  # a worker must at least be started three times
SHARE_OF_START: Final = 0.15  # of a start's time, for a single claim's rounds at most


@dataclass(frozen=True)
class Task:
    """One backend with one thread budget, and the claims that it is asked for."""

    backend: str
    threads: int
    claims: tuple[Claim, ...]


class ClaimCourse:
    """Measures what ``tasks`` hold and ``record`` lacks, within ``seconds``."""

    def __init__(
        self,
        tasks: Sequence[Task],
        settings: Settings,
        record: ClaimRecord,
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
        self._questions: dict[str, ClaimQuestion] = {}

    def run(self, seconds: float) -> None:
        """Every task in turn, each with its share of the time that is left."""
        ends = time.monotonic() + seconds
        here = [task for task in self._tasks if self._open(task) and self._is_here(task)]
        try:
            # What fast backends leave of their shares is for the claims that slow ones did not reach.
            while open_tasks := [task for task in here if self._open(task)]:
                before = len(self._record)
                for place, task in enumerate(open_tasks):
                    if (left_s := ends - time.monotonic()) > SHORTEST_VISIT_S:
                        self._perform(task, left_s / (len(open_tasks) - place), f"{place + 1}/{len(open_tasks)}")
                if len(self._record) == before:
                    break
        finally:
            for question in self._questions.values():
                question.close()

    def _is_here(self, task: Task) -> bool:
        """Whether the backend can be asked anything; if not, its lines say why and it gets no share of the time."""
        part = _Part(self._open(task))
        try:
            missing = self._pool.station(task.backend, task.threads).missing
            if missing is None:
                return True
            ended = Ended("unavailable", missing)
        except Ended as failed:
            ended = failed
        part.ended = {claim.name: ended for claim in part.claims}
        self._record.append(self._finding(task, claim, part) for claim in part.claims)
        return False

    def _open(self, task: Task) -> list[Claim]:
        return [claim for claim in task.claims if self._key(task, claim) not in self._record]

    @staticmethod
    def _key(task: Task, claim: Claim) -> ClaimKey:
        return (claim.name, task.backend, task.threads)

    def _perform(self, task: Task, seconds: float, place: str) -> None:
        """All open claims of one backend, in as many starts as are planned; then its lines."""
        part = _Part(self._open(task))
        starts = 1 if self._settings.in_process else PASSES
        ends = time.monotonic() + seconds
        for number in range(starts):
            self._start(task, part, number, (ends - time.monotonic()) / (starts - number))
        self._let_go(task)
        findings = [self._finding(task, claim, part) for claim in part.claims if part.knows(claim)]
        self._record.append(findings)
        self._announce(f"[claims {place}] {task.backend}, threads: {task.threads}: {_summary(part, findings)}")

    def _let_go(self, task: Task) -> None:
        """End the task's worker, so that the next question is answered by a new one."""
        for station in list(self._pool.living()):
            if (station.backend.name, station.threads) == (task.backend, task.threads):
                self._pool.dismiss(station)

    def _start(self, task: Task, part: _Part, number: int, seconds: float) -> None:
        """One start of the worker: every claim that is still in, as far as the time reaches.

        The time decides in the first start only: a claim that was begun is measured in all of them.
        """
        ends = time.monotonic() + max(seconds, 0.0)
        left = part.begun if number else part.claims
        if not left:
            return
        try:
            if number:
                self._let_go(task)
            for place, claim in enumerate(left):
                left_s = ends - time.monotonic()
                if left_s <= 0 and place and not number:
                    break
                share_s = min(left_s / (len(left) - place), SHARE_OF_START * seconds)
                self._ask(task, part, claim, number, share_s)
        except Ended as ended:
            for claim in left:
                part.ended.setdefault(claim.name, ended)

    def _ask(self, task: Task, part: _Part, claim: Claim, number: int, seconds: float) -> None:
        station = self._pool.station(task.backend, task.threads)
        assert station.host is not None, "a station without a host says what is missing"
        if part.time_outs >= MOST_TIME_OUTS:
            part.ended[claim.name] = Ended("timed-out", f"not tried: {part.time_outs} claims in a row before it were")
            return
        try:
            shown = self._show(station.host, claim, number, task.threads, seconds)
            if shown.refusal:
                raise Ended("unsupported", shown.refusal)
            if shown.cpu_over_wall > task.threads + BUDGET_TOLERANCE:
                raise Ended(
                    "failed", f"used {shown.cpu_over_wall:.2f} CPU seconds per second on a budget of {task.threads}"
                )
            part.shown[claim.name][station.starts - 1] = shown
            part.time_outs = 0
        except Ended as ended:
            part.ended[claim.name] = ended
            part.time_outs = part.time_outs + 1 if ended.status == "timed-out" else 0
            if not ended.alive:
                self._pool.dismiss(station)

    def _show(self, host: Host, claim: Claim, number: int, threads: int, seconds: float) -> Shown:
        cores = None if self._settings.in_process else cores_of(threads, number)
        patience_s = min(self._settings.timeout_s, MOST_WAIT_S)
        return host.show(self._question(claim), seconds, self._rng.randrange(2**32), cores, patience_s)

    def _question(self, claim: Claim) -> ClaimQuestion:
        if claim.name not in self._questions:
            self._questions[claim.name] = ClaimQuestion.of(claim, self._seed)
        return self._questions[claim.name]

    def _finding(self, task: Task, claim: Claim, part: _Part) -> Finding:
        backend = registry.get(task.backend)
        finding = Finding(
            claim=claim.name,
            backend=task.backend,
            threads=task.threads,
            device=backend.device,
            output=backend.output,
            isolation="in-process" if self._settings.in_process else "worker",
            started_at=part.began_at,
        )
        if (ended := part.ended.get(claim.name)) is not None:
            finding.end(ended.status, ended.reason, ended.error_ratio)
        else:
            finding.unite(part.shown[claim.name])
        return finding


class _Part:
    """What one backend has shown so far, and which claims have ended for it."""

    def __init__(self, claims: list[Claim]) -> None:
        self.claims = claims
        self.began_at = now()
        self.time_outs = 0  # in a row
        self.shown: dict[str, dict[int, Shown]] = {claim.name: {} for claim in claims}
        self.ended: dict[str, Ended] = {}

    @property
    def begun(self) -> list[Claim]:
        """Those that an earlier start has shown, and that have not ended since."""
        return [claim for claim in self.claims if self.shown[claim.name] and claim.name not in self.ended]

    def knows(self, claim: Claim) -> bool:
        """Whether there is anything to write about it."""
        return claim.name in self.ended or bool(self.shown[claim.name])


def _summary(part: _Part, findings: list[Finding]) -> str:
    timed = sum(finding.status == "ok" for finding in findings)
    left = len(part.claims) - len(findings)
    return f"{timed} of {len(part.claims)} claims timed" + (f", {left} not reached" if left else "")
