"""One problem in one pass with all its backends: verified, timed in interleaved rounds, verified again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from random import Random
from typing import TypeVar

from pointwise_bench import Problem
from pointwise_bench.common.formats import Cache
from pointwise_bench.suites.harness.design.rounds import WARM_S, Share, orders, shares
from pointwise_bench.suites.harness.machine.canary import Canary
from pointwise_bench.suites.harness.machine.ceilings import Ceilings
from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.record.run_folder import now
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.error_bounds import cannot_judge
from pointwise_bench.suites.harness.worker.client_protocol import Client, SharedCases
from pointwise_bench.suites.harness.worker.pool import Pool, WorkerSlot

T = TypeVar("T")

BUDGET_TOLERANCE = 0.1  # CPU seconds over wall seconds may exceed the thread budget by this much

# A call that beats the measured peak by this factor did not do the work. The factor is wide because the peak itself
# may have been measured in a bad moment; a replayed answer beats it by a hundred.
IMPLAUSIBLY_FAST = 3.0

# Where answers come this much later than the worker's own clock explains, it is looked into. Waking and asking a worker
# takes a millisecond, several on a loaded machine, ten where its own idle threads spin on every core and nobody else
# gets at one. That is a delay, and no more of it in a turn that is many times as long, where a false clock hides a
# share. Delays alone had convicted an honest engine in 15 of 494 cells on all cores.
LEAST_UNEXPLAINED_S, MOST_UNEXPLAINED = 0.003, 0.6
LONG_TURN = 16  # times as many calls

# Threads that wait for a next call may spin (OpenMP's do so for 0.2 s), but not for ever.
MOST_IDLE, SETTLED_S = 0.5, 0.4  # CPU seconds over wall seconds; seconds

# A backend that hangs on every problem would cost a run its time-out a hundred times over.
MOST_TIME_OUTS = 3


@dataclass
class Participant:
    """One backend's way through the problem."""

    station: WorkerSlot
    part: PassSamples
    patience_s: float  # what is left of the time-out
    most_patience_s: Callable[[], float] = lambda: inf  # for the next answer
    seconds_per_call: float = 0.0
    cpu_over_wall: float = 0.0  # of the warm-up, on all cores
    unexplained: list[tuple[float, float]] = field(default_factory=list)  # of each turn: see _check_clock

    def ask(self, question: Callable[[Client, float], T]) -> T:
        """Put a question to the host and charge the answer's time against the time-out."""
        if self.station.host is None:
            raise Ended("crashed", "its worker is gone", alive=False)
        began, most_s = time.monotonic(), self.most_patience_s()
        try:
            return question(self.station.host, max(min(self.patience_s, most_s), 0.001))
        except Ended as ended:
            if ended.status == "timed-out" and most_s < self.patience_s:
                raise Hurried(ended.reason) from None
            raise
        finally:
            self.patience_s -= time.monotonic() - began

    def note(self, turn: Turn, canary_s: float, outside_s: float) -> None:
        """Keep one round's sample. ``outside_s`` passed out here between the question and its answer."""
        self.unexplained.append((outside_s - turn.wall_s - turn.unseen_s, outside_s))
        self.part.samples_s.append(_digits(turn.seconds_per_call, 7))
        self.part.canary_s.append(_digits(canary_s, 4))
        if turn.device_seconds_per_call is not None:
            self.part.device_samples_s.append(_digits(turn.device_seconds_per_call, 7))
        self.part.cpu_s += turn.cpu_over_wall * turn.wall_s
        self.part.wall_s += turn.wall_s
        if turn.page_faults is not None:
            self.part.page_faults = (self.part.page_faults or 0) + turn.page_faults


@dataclass
class TrialResult:
    """The parts of those that came through, and those whose part ended early, with what was known of them by then."""

    parts: list[PassSamples] = field(default_factory=list)
    ended: list[tuple[PassSamples, Ended]] = field(default_factory=list)


@dataclass
class Trial:
    """A problem with its contestants, in one pass. ``rounds`` gives their number from everybody's seconds per call.

    ``earlier`` holds the shares of a pass before, ``cores`` those that all turns keep to (None: all). A backend may
    take ``timeout_s`` in all, and ``patience_s()`` for any one answer where a time budget is ``hurried``.
    """

    problem: Problem
    threads: int
    backends: Sequence[str]
    pool: Pool
    canary: Canary
    rounds: Callable[[dict[str, float]], int]
    rng: Random
    timeout_s: float
    cores: list[int] | None = None
    earlier: Mapping[str, Share] = field(default_factory=dict)
    ceilings: Ceilings | None = None
    seed: int = 0
    cache: Cache = "hot"
    hurried: bool = False
    patience_s: Callable[[], float] = lambda: inf
    _contestants: dict[str, Participant] = field(default_factory=dict)
    _outcome: TrialResult = field(default_factory=TrialResult)

    def run(self) -> TrialResult:
        """Everybody's part. Not resumable half-way: rivals that did not run in the same rounds are not rivals."""
        for name in self.backends:
            self._admit(name)
        self._set_up_all()
        self._time_all()
        for name in list(self._contestants):
            if self._guard(name, self._finish):
                contestant = self._contestants.pop(name)
                contestant.station.time_outs = 0
                self._outcome.parts.append(contestant.part)
        return self._outcome

    def _guard(self, name: str, action: Callable[[Participant], None]) -> bool:
        """Whether ``action`` went well; otherwise the contestant is out, with its reason."""
        contestant = self._contestants[name]
        try:
            action(contestant)
        except Ended as ended:
            if ended.error_ratio is not None:
                contestant.part.error_ratio = ended.error_ratio
            contestant.station.time_outs += ended.status == "timed-out"
            if not ended.alive:
                self.pool.dismiss(contestant.station)
            self._outcome.ended.append((self._contestants.pop(name).part, ended))
            return False
        return True

    # --- before the clock -----------------------------------------------------------------------------------

    def _admit(self, name: str) -> None:
        """Let the backend in if it is here and takes the problem."""
        part = PassSamples(name, process=0, started_at=now())
        try:
            station = self.pool.station(name, self.threads)
            if station.missing is not None:
                raise Ended("unavailable", station.missing)
            if self.hurried and station.time_outs:
                raise Hurried("not tried: it timed out on a problem before this one")
            if station.time_outs >= MOST_TIME_OUTS:
                raise Ended(
                    "timed-out", f"not tried: it timed out on {MOST_TIME_OUTS} problems in a row before this one"
                )
        except Ended as ended:
            self._outcome.ended.append((part, ended))
        else:
            part.process = station.starts - 1
            self._contestants[name] = Participant(station, part, self.timeout_s, self.patience_s)
            self._guard(name, self._ask_for_refusal)

    def _ask_for_refusal(self, contestant: Participant) -> None:
        if reason := contestant.ask(lambda host, patience: host.refuses(self.problem, patience)):
            raise Ended("unsupported", reason)
        if reason := cannot_judge(self.problem):
            raise Ended("unsupported", f"the gate cannot judge it, and an unchecked time is not published: {reason}")

    def _set_up_all(self) -> None:
        if not self._contestants:
            return
        shared = SharedCases(self.problem, CaseSet.of(self.problem, self.seed), self.cache)
        try:
            for name in list(self._contestants):
                whole = name not in self.earlier  # an earlier start has answered the questions on other layers
                self._guard(name, partial(self._set_up, shared=shared, whole=whole))
        finally:
            shared.close()

    @staticmethod
    def _set_up(contestant: Participant, *, shared: SharedCases, whole: bool) -> None:
        set_up = contestant.ask(lambda host, patience: host.set_up(shared, patience, whole=whole))
        contestant.seconds_per_call = set_up.seconds_per_call
        contestant.cpu_over_wall = set_up.cpu_over_wall
        contestant.part.prepare_s = set_up.prepare_s
        contestant.part.first_call_s = set_up.first_call_s
        contestant.part.error_ratio = set_up.error_ratio

    # --- on the clock ---------------------------------------------------------------------------------------

    def _time_all(self) -> None:
        """Interleaved rounds. Their number and order are fixed before the first, from the warm-up's speed alone."""
        if not self._contestants:
            return
        speeds = {name: each.seconds_per_call for name, each in self._contestants.items()}
        rounds = self.rounds(speeds)
        for name, share in shares(speeds, rounds, self.earlier).items():
            self._contestants[name].part.share = share
        for number, order in enumerate(orders(sorted(speeds), rounds, self.rng)):
            self._round(number, order)

    def _round(self, number: int, order: list[str]) -> None:
        taking_part = [name for name in order if name in self._contestants]
        taking_part = [name for name in taking_part if number < self._share(name).rounds]
        if taking_part:
            canary_s = self.canary.beat_s(self.cores)
            for name in taking_part:
                self._guard(name, lambda contestant: self._take_turn(contestant, canary_s))

    def _share(self, name: str) -> Share:
        share = self._contestants[name].part.share
        assert share is not None, "shares are given out before the first round"
        return share

    def _take_turn(self, contestant: Participant, canary_s: float) -> None:
        calls = contestant.part.calls
        began = time.perf_counter()
        turn = contestant.ask(lambda host, patience: host.turn(calls, WARM_S, self.cores, patience))
        contestant.note(turn, canary_s, time.perf_counter() - began)

    # --- after the clock ------------------------------------------------------------------------------------

    def _finish(self, contestant: Participant) -> None:
        """The gate again, the thread budget, and whether the times are possible at all."""
        self._check_clock(contestant)
        self._check_rests(contestant)
        self._recheck_warm_up(contestant)
        finish = contestant.ask(lambda host, patience: host.finish(patience))
        contestant.part.error_ratio = finish.error_ratio
        contestant.part.peak_rss_bytes = finish.peak_rss_bytes
        self._check_budget(contestant)
        self._check_plausible(contestant)

    def _check_clock(self, contestant: Participant) -> None:
        """The clock in a worker shares its process with the plugin, which can reach it. Ours is out of its reach."""
        if contestant.part.device_samples_s:  # a second series of calls, on the device's clock, is in no turn's seconds
            return
        missing_s = statistics.median(missing for missing, _ in contestant.unexplained)
        outside_s = statistics.median(outside for _, outside in contestant.unexplained)
        if not _unexplained(missing_s, outside_s):
            return
        calls, began = LONG_TURN * contestant.part.calls, time.perf_counter()
        turn = contestant.ask(lambda host, patience: host.turn(calls, WARM_S, self.cores, patience))
        outside_s = time.perf_counter() - began
        inside_s = turn.wall_s + turn.unseen_s
        if _unexplained(outside_s - inside_s, outside_s):
            raise Ended(
                "wrong",
                f"its clock is wrong: a turn of {calls} calls took {inside_s:.3g} s by it, {outside_s:.3g} s by the "
                f"harness's; a changed clock, or threads of its own that keep the worker from answering",
            )

    @staticmethod
    def _check_rests(contestant: Participant) -> None:
        """Once for each backend; a short look first, since few have any threads that spin."""
        station = contestant.station
        if station.rests or (station.host is not None and station.host.isolation != "worker"):
            return
        for settled_s in (0.0, SETTLED_S):
            idle = contestant.ask(lambda host, patience, settled_s=settled_s: host.idle(settled_s, patience))  # type: ignore[misc]
            if idle <= MOST_IDLE:
                station.rests = True
                return
        raise Ended("failed", f"threads of its own ask for {idle:.2f} CPU seconds per second while nobody calls it")

    def _recheck_warm_up(self, contestant: Participant) -> None:
        """A warm-up beyond the budget must show it once more, in a long turn that is kept to no cores either.

        A warm-up is short, and there is one: twice in more than a thousand starts a correct engine used 1.1 on one
        thread.
        """
        if contestant.cpu_over_wall > self.threads + BUDGET_TOLERANCE:
            calls = LONG_TURN * contestant.part.calls
            turn = contestant.ask(lambda host, patience: host.turn(calls, WARM_S, None, patience))
            contestant.cpu_over_wall = min(contestant.cpu_over_wall, turn.cpu_over_wall)

    def _check_budget(self, contestant: Participant) -> None:
        """The larger of what the turns used and what the warm-up did, which was kept to no cores."""
        part = contestant.part
        part.cpu_s = max(part.cpu_s, contestant.cpu_over_wall * part.wall_s)
        used = part.cpu_s / part.wall_s
        if used > self.threads + BUDGET_TOLERANCE:
            raise Ended(
                "failed",
                f"used {used:.2f} CPU seconds per second on a budget of {self.threads} "
                f"thread{'s' * (self.threads != 1)}: its library does not keep to the budget that prepare was given",
            )

    def _check_plausible(self, contestant: Participant) -> None:
        if self.ceilings is None or contestant.station.backend.device != "cpu":
            return
        median_s = statistics.median(contestant.part.samples_s)
        least_s = self.ceilings.least_seconds(self.problem.flops, self.problem.dtype)
        if median_s * IMPLAUSIBLY_FAST < least_s:
            raise Ended(
                "wrong",
                f"impossibly fast: {median_s:.3g} s per call, where the measured FMA peak needs {least_s:.3g} s; "
                f"a cached answer, or work that goes on after the call",
            )


def _unexplained(missing_s: float, outside_s: float) -> bool:
    """Whether so much of what passed out here passed unseen by the worker that its clock is in doubt."""
    return missing_s > LEAST_UNEXPLAINED_S and missing_s > MOST_UNEXPLAINED * outside_s


def _digits(seconds: float, digits: int) -> float:
    """Rounded to what the clock can tell: a nanosecond in a turn of 4 ms is seven digits. Halves the record."""
    return float(f"{seconds:.{digits}g}")
