"""One problem in one pass with all its backends: verified, timed in interleaved rounds, verified again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from random import Random
from secrets import randbelow, randbits
from typing import TypeVar

from pointwise_bench import Problem
from pointwise_bench.backends.backend import DEVICES_APART
from pointwise_bench.common.cores import core_numbers
from pointwise_bench.common.formats import Cache
from pointwise_bench.suites.harness.design.answering import answering_at_once
from pointwise_bench.suites.harness.design.costs import TrialCosts
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import Share, doubted_warm_ups, orders, shares
from pointwise_bench.suites.harness.machine.ceilings import Ceilings
from pointwise_bench.suites.harness.machine.state import canary
from pointwise_bench.suites.harness.machine.state.canary import Canary
from pointwise_bench.suites.harness.machine.state.nearness import Nearness
from pointwise_bench.suites.harness.memory.room_for_a_problem import lacks_room
from pointwise_bench.suites.harness.record.ended import NOT_TRIED, NOTHING_LEFT, Ended, Hurried
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.record.run_folder import now
from pointwise_bench.suites.harness.run.participant import Participant
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.held_clock import TurnOnBothClocks, check_clock
from pointwise_bench.suites.harness.timing.thread_budget import check_thread_budget, is_exceeded
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.error_bounds import cannot_judge
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases
from pointwise_bench.suites.harness.worker.pool import Kind, Pool
from pointwise_bench.suites.harness.worker.side_by_side import end_of, side_by_side

T = TypeVar("T")


@dataclass
class TrialResult:
    """``parts`` of the backends that were timed; ``ended``: of the others what was measured by then, and the reason.

    ``costs``: what each of the timed ones cost beside its turns.
    """

    parts: list[PassSamples] = field(default_factory=list)
    ended: list[tuple[PassSamples, Ended]] = field(default_factory=list)
    costs: dict[str, TrialCosts] = field(default_factory=dict)


@dataclass
class Trial:
    """One problem with its backends, in one pass.

    ``rounds`` gives the number of rounds from every backend's seconds per call; whoever is far from the fastest takes
    part in ``far_rounds`` only, where that is given. ``earlier`` holds the shares of an earlier pass, ``cores`` those
    that all turns keep to (None: all). A backend may take ``timeout_s`` in all, and ``patience_s(first)`` for any one
    answer where a time budget is ``hurried``; ``first``: its worker had no problem before. Who is ``suspected`` is
    asked for more answers than others: see :mod:`suspects`. ``nearness`` has turns taken while their cores are near
    (None: whenever it is their turn). ``known_s``: seconds per call by what other problems have shown, of the backends
    that have been measured on some.
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
    cache: Cache = "hot"
    hurried: bool = False
    patience_s: Callable[[bool], float] = lambda first: inf
    far_rounds: int | None = None
    suspected: Collection[str] = ()
    nearness: Nearness | None = None
    known_s: Mapping[str, float] = field(default_factory=dict)
    _participants: dict[str, Participant] = field(default_factory=dict)
    _result: TrialResult = field(default_factory=TrialResult)

    @property
    def _kind(self) -> Kind:
        return self.problem.dtype, self.problem.direction

    def run(self) -> TrialResult:
        """Set up, time and verify all backends. Cannot be resumed: only samples of the same rounds are compared."""
        for name in self.backends:
            self._add_participant(name)
        self._attempt_side_by_side(self._ask_for_refusal)
        self._set_up_all()
        self._warm_up_all()
        self._time_all()
        self._attempt_side_by_side(self._check_answers)
        self._see_who_rests()
        self._attempt_alone(self._finish)
        for participant in self._participants.values():
            participant.slot.note_passed(self._kind)
            participant.slot.problems += 1
            self._result.parts.append(participant.part)
            self._result.costs[participant.part.backend] = TrialCosts(
                participant.untimed_s, participant.alone_s, participant.seconds_per_call
            )
        return self._result

    def _attempt_side_by_side(self, action: Callable[[Participant], None]) -> None:
        """``action`` on every participant, untimed and so on several at once; who fails leaves the trial."""

        def timed(participant: Participant) -> None:
            began = time.monotonic()
            action(participant)
            participant.untimed_s += time.monotonic() - began

        for participant, ended in side_by_side(timed, list(self._participants.values()), self._at_once()):
            if ended is not None:
                self._leave(participant.part.backend, ended)

    def _at_once(self) -> int:
        """On their first problem workers import and compile, most of them on one thread.

        One by one where the memory does not hold the results of several.
        """
        at_once, first = self.pool.at_once, any(not each.slot.problems for each in self._participants.values())
        most = at_once if first else answering_at_once(at_once, self.threads)
        return most if most == 1 or lacks_room(self.problem, most) is None else 1

    def _attempt_alone(self, action: Callable[[Participant], None], names: Iterable[str] | None = None) -> None:
        """``action`` on one participant after the other, with the machine to itself; who fails leaves the trial.

        ``names``: of those that it is asked of (None: all).
        """
        for name in list(self._participants) if names is None else names:
            began, participant = time.monotonic(), self._participants[name]
            self._attempt(name, action)
            participant.alone_s += time.monotonic() - began

    def _attempt(self, name: str, action: Callable[[Participant], None]) -> None:
        if (ended := end_of(action, self._participants[name])) is not None:
            self._leave(name, ended)

    def _leave(self, name: str, ended: Ended) -> None:
        """The participant leaves the trial, with the reason."""
        participant = self._participants.pop(name)
        if ended.error_ratio is not None:
            participant.part.error_ratio = ended.error_ratio
        if ended.status == "timed-out":
            participant.slot.note_time_out(self._kind)
        if not ended.alive:
            self.pool.dismiss(participant.slot)
        self._result.ended.append((participant.part, ended))

    # --- before the timing ----------------------------------------------------------------------------------

    def _add_participant(self, name: str) -> None:
        """Add the backend to the participants if it is available and takes the problem."""
        part = PassSamples(name, process=0, started_at=now())
        try:
            slot = self.pool.slot(name, self.threads)
            if slot.missing is not None:
                raise Ended("unavailable", slot.missing)
            if self.hurried and (reason := slot.hangs_on(self._kind)):
                raise Hurried(reason)
            if slot.time_outs >= POLICY.acceptance.most_time_outs:
                raise Ended(
                    "timed-out",
                    f"{NOT_TRIED}it timed out on {POLICY.acceptance.most_time_outs} problems in a row before this one",
                )
        except Ended as ended:
            self._result.ended.append((part, ended))
        except OSError as error:
            if error.errno not in NOTHING_LEFT:
                raise
            self._result.ended.append((part, Ended.because_of(error, "starting its worker")))
        else:
            part.process = slot.starts - 1
            self._participants[name] = Participant(
                slot, part, self.timeout_s, partial(self.patience_s, not slot.problems)
            )

    def _ask_for_refusal(self, participant: Participant) -> None:
        if reason := participant.ask(lambda client, patience: client.refuses(self.problem, patience)):
            raise Ended("unsupported", reason)
        if reason := cannot_judge(self.problem):
            raise Ended("unsupported", f"the gate cannot judge it, and an unchecked time is not published: {reason}")

    def _set_up_all(self) -> None:
        if not self._participants:
            return
        if (reason := lacks_room(self.problem)) is not None:
            self._leave_all(Ended("unsupported", reason))
            return
        try:
            # Not by the seed of the run, which a worker can read: who knows the answers beforehand computes none.
            shared = SharedCases(self.problem, CaseSet.of(self.problem, randbits(64)), self.cache)
        except Exception as error:  # memory that was there a moment ago, above all
            self._leave_all(Ended.because_of(error, "inputs and answers"))
            return
        try:
            self._attempt_side_by_side(partial(self._set_up, shared=shared))
        finally:
            shared.close()

    def _leave_all(self, ended: Ended) -> None:
        """Nobody can be asked this problem."""
        for name in list(self._participants):
            self._leave(name, ended)

    def _set_up(self, participant: Participant, *, shared: SharedCases) -> None:
        whole = participant.part.backend not in self.earlier  # an earlier start has answered all cases
        set_up = participant.ask(lambda client, patience: client.set_up(shared, patience, whole=whole))
        participant.part.prepare_s = set_up.prepare_s
        participant.part.first_call_s = set_up.first_call_s
        participant.part.error_ratio = set_up.error_ratio

    def _warm_up_all(self) -> None:
        """Once, and a few times more where that is doubted; of several the quickest counts.

        How many calls a turn has, and who is far from the fastest, follows from this alone. Beside a process that was
        busy for 50 ms at a time a call of 70 us took 8 ms, and with that a turn had one call and the layer four rounds,
        of which three were as slow.
        """
        self._attempt_alone(self._warm_up)
        for asked in range(1, POLICY.rounds.warm_ups):
            speeds = {name: each.seconds_per_call for name, each in self._participants.items()}
            self._attempt_alone(self._warm_up, doubted_warm_ups(speeds, self.known_s, asked))

    def _warm_up(self, participant: Participant) -> None:
        """Against the thread budget the warm-up counts that used most."""

        def take() -> tuple[None, float]:
            began = time.perf_counter()
            warm_up = participant.ask(lambda client, patience: client.warm_up(patience))
            participant.seconds_per_call = min(participant.seconds_per_call or inf, warm_up.seconds_per_call)
            participant.cpu_over_wall = max(participant.cpu_over_wall, warm_up.cpu_over_wall)
            return None, time.perf_counter() - began

        self._while_near(take)

    def _while_near(self, take: Callable[[], tuple[T, float]]) -> tuple[T, float]:
        """What ``take`` returns, which asks a backend with several threads for what it takes: see :class:`Nearness`."""
        return take() if self.nearness is None else self.nearness.near_turn(self._cores_of_turns, take)

    # --- timing ---------------------------------------------------------------------------------------------

    def _time_all(self) -> None:
        """Interleaved rounds. Their number and order are fixed before the first, from the warm-up's speed alone."""
        if not self._participants:
            return
        speeds = {name: each.seconds_per_call for name, each in self._participants.items()}
        rounds = self.rounds(speeds)
        for name, share in shares(speeds, rounds, self.earlier, self.far_rounds).items():
            self._participants[name].part.share = share
        for number, order in enumerate(orders(sorted(speeds), rounds, self.rng)):
            self._round(number, order)

    def _round(self, number: int, order: list[str]) -> None:
        taking_part = [name for name in order if name in self._participants]
        taking_part = [name for name in taking_part if number < self._share(name).rounds]
        if taking_part:
            canary_s = self.canary.work_s(self.threads, self.cores)
            for name in taking_part:
                self._attempt(name, lambda participant: self._take_turn(participant, canary_s))

    def _share(self, name: str) -> Share:
        share = self._participants[name].part.share
        assert share is not None, "shares are given out before the first round"
        return share

    def _take_turn(self, participant: Participant, canary_s: float) -> None:
        turn, outside_s = self._while_near(partial(self._turn, participant, participant.part.calls))
        participant.add(turn, canary_s, outside_s)

    def _turn(self, participant: Participant, calls: int) -> tuple[Turn, float]:
        """A turn, and its seconds on the harness's clock, of which ``apart_s`` are apart from it."""
        began = time.perf_counter()
        turn = participant.ask(lambda client, patience: client.turn(calls, POLICY.rounds.warm_s, self.cores, patience))
        return turn, time.perf_counter() - began

    @property
    def _cores_of_turns(self) -> list[int]:
        return (self.cores or core_numbers())[: self.threads]

    # --- after the timing -----------------------------------------------------------------------------------

    def _check_answers(self, participant: Participant) -> None:
        thorough = participant.part.backend in self.suspected
        participant.ask(lambda client, patience: client.check_answers(patience, thorough=thorough))

    def _finish(self, participant: Participant) -> None:
        """All that judges by time: the clock, rest, the thread budget, and whether the times are possible at all."""
        self._check_clock(participant)
        self._check_rests(participant)
        self._recheck_warm_up(participant)
        finish = participant.ask(lambda client, patience: client.finish(patience))
        participant.part.error_ratio = finish.error_ratio
        participant.part.peak_rss_bytes = finish.peak_rss_bytes
        self._check_budget(participant)
        self._check_plausible(participant)

    def _check_clock(self, participant: Participant) -> None:
        """Hold the worker's clock against the harness's: a plugin can change the one in its process, not the other."""

        def take(calls: int) -> TurnOnBothClocks:
            return TurnOnBothClocks.of(*self._turn(participant, calls))

        calls, turns, glance = participant.part.calls, participant.turns, self._is_glanced_at(participant)
        check_clock(self.problem, participant.seconds_per_call, calls, turns, take, glance=glance)

    def _is_glanced_at(self, participant: Participant) -> bool:
        """A clock that is wrong everywhere shows on the first problem of a worker that has something to compute.

        No further one is foreseen: on every problem it took a fifth of what five backends take of a small layer.
        """
        slot, suspected = participant.slot, participant.part.backend in self.suspected
        first, slot.glanced_at = not slot.glanced_at, slot.glanced_at or self.problem.pixels > 0
        return first or suspected or not randbelow(POLICY.acceptance.glanced_at)

    def _see_who_rests(self) -> None:
        """Watch whose threads rest while nobody calls, all at once; once for each backend.

        Few have threads that spin, and most of them for a fifth of a second only: five, one after the other, took two
        of the seven seconds of a run's first problem. Who waits for a processor asks for it, too, so that nobody is
        held for one that rests; who does not rest yet, as threads are slow to do on cores that others use, is watched
        once more alone.
        """
        for settled_s in (0.0, POLICY.acceptance.settled_s):
            watched = [each for each in self._participants.values() if _is_watched(each)]
            note = partial(_note_rest, settled_s=settled_s)
            for participant, ended in side_by_side(note, watched, at_once=len(watched)):
                if ended is not None:
                    self._leave(participant.part.backend, ended)

    @staticmethod
    def _check_rests(participant: Participant) -> None:
        if _is_watched(participant):
            idle = _note_rest(participant, POLICY.acceptance.settled_s)
            if not participant.slot.rests:
                reason = f"threads of its own ask for {idle:.2f} CPU seconds per second while nobody calls it"
                raise Ended("failed", reason)

    def _recheck_warm_up(self, participant: Participant) -> None:
        """Measure a warm-up that used more than the thread budget once more, in a long turn on all cores.

        A warm-up is short, and there is only one: twice in more than a thousand starts a correct backend used 1.1 CPU
        seconds per second on one thread.
        """
        if is_exceeded(participant.cpu_over_wall, self.threads):
            calls = POLICY.acceptance.long_turn * participant.part.calls
            turn = participant.ask(lambda client, patience: client.turn(calls, POLICY.rounds.warm_s, None, patience))
            participant.cpu_over_wall = min(participant.cpu_over_wall, turn.cpu_over_wall)

    def _check_budget(self, participant: Participant) -> None:
        """Hold the larger of what the turns and the warm-up used, which was on all cores, against the thread budget."""
        part = participant.part
        part.cpu_s = max(part.cpu_s, participant.cpu_over_wall * part.wall_s)
        check_thread_budget(part.cpu_s / part.wall_s, self.threads)

    def _check_plausible(self, participant: Participant) -> None:
        if self.ceilings is None or participant.slot.backend.device in DEVICES_APART:
            return
        median_s = statistics.median(participant.part.samples_s)
        flops, dtype = self.problem.flops, self.problem.dtype
        canary_s = min(participant.part.canary_s)
        least_s = min(
            self.ceilings.least_seconds(flops, dtype), canary.least_seconds(flops, dtype, self.threads, canary_s)
        )
        if median_s * POLICY.acceptance.implausibly_fast < least_s:
            raise Ended(
                "wrong",
                f"impossibly fast: {median_s:.3g} s per call, where the measured FMA peak needs {least_s:.3g} s; "
                f"a cached answer, or work that goes on after the call",
            )


def _is_watched(participant: Participant) -> bool:
    slot = participant.slot
    return not slot.rests and (slot.client is None or slot.client.isolation == "worker")


def _note_rest(participant: Participant, settled_s: float) -> float:
    """What its threads ask for while nobody calls it, in processors."""
    idle = participant.ask(lambda client, patience: client.idle(settled_s, patience))
    participant.slot.rests = idle <= POLICY.acceptance.most_idle
    return idle
