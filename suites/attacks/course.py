"""Kinds tried, on the way that a run takes through a worker: attacks beside the control, in rounds of their own."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import randbits
from time import perf_counter
from typing import Final

from pointwise_bench import Problem
from pointwise_bench.backends import Source
from pointwise_bench.suites.attacks.kinds import CONTROL_KIND, Kind
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.held_clock import TurnOnBothClocks, check_clock
from pointwise_bench.suites.harness.timing.thread_budget import check_thread_budget
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.gate import was_right_before
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

PATIENCE_S: Final = 60.0
ROUNDS: Final = 15
THREADS: Final = 1  # of every worker
FEWEST_CALLS: Final = 25  # of a turn: some attacks wait until they see that they are in one
GAINED: Final = 0.9
"""Share of the control's time below which an attack has a time that it did not earn."""


@dataclass(frozen=True)
class Attempt:
    """What one kind came to on one problem: refused with a reason, or timed at ``share`` of the control's time."""

    problem: Problem
    ended: Ended | None
    share: float | None = None
    """None where it was refused, and of what is wrong, which is not compared."""

    @property
    def could_be_made(self) -> bool:
        """Whether the machine has what it takes."""
        return self.ended is None or self.ended.status != "unavailable"

    @property
    def gained(self) -> bool:
        """Whether it has a time that it did not earn: any where it is wrong, else one that its control has not."""
        return self.ended is None and (self.share is None or self.share < GAINED)


def started(kind: Kind, folder: Path) -> WorkerClient:
    """A worker of the kind, whose log is in ``folder``."""
    source = Source("plugin", str(kind.file))
    logs = folder / kind.name / "workers"  # like a run's, in which attacks look around
    (logs / "compiled").mkdir(parents=True, exist_ok=True)
    return WorkerClient(kind.backend, source, THREADS, logs / "log", logs / "compiled", kind.declared)


def attempts(kind: Kind, problems: list[Problem], folder: Path) -> Iterator[Attempt]:
    """The kind on each of the problems that it takes, a planted mistake where it is one.

    Its worker is replaced where it has ended.
    """
    controls: list[WorkerClient] = []

    def control() -> WorkerClient:  # started when it is needed: few attacks come as far as a turn
        if not controls:
            controls.append(started(CONTROL_KIND, folder))
        return controls[0]

    tried, came_to = started(kind, folder), list[Attempt]()
    try:
        for problem in problems if kind.wrong_on is None else [kind.wrong_on]:
            if tried.refuses(problem, PATIENCE_S) is not None:
                continue
            if (missing := tried.missing(PATIENCE_S)) is not None:
                came_to.append(Attempt(problem, Ended("unavailable", missing)))
                continue
            came = attempt(problem, tried, None if kind.wrong else control)
            if came.ended is not None and not came.ended.alive:
                tried.kill()
                tried = started(kind, folder)
            came_to.append(came)
        yield from _searched(tried, came_to) if kind.wrong and kind.wrong_on is None else came_to
    finally:
        for worker in (tried, *controls):
            worker.kill()


def _searched(tried: WorkerClient, came_to: list[Attempt]) -> Iterator[Attempt]:
    """The attempts, those that were timed made once more where the backend is suspected: see :mod:`suspects`."""
    suspected = any(each.ended is not None and was_right_before(each.ended.reason) for each in came_to)
    if not suspected and any(each.ended is None for each in came_to):
        seen = tried.examine(PATIENCE_S)
        suspected = seen is not None and seen.strays
    for each in came_to:
        yield attempt(each.problem, tried, None, thorough=True) if suspected and each.ended is None else each


def attempt(
    problem: Problem, tried: WorkerClient, control: Callable[[], WorkerClient] | None, *, thorough: bool = False
) -> Attempt:
    """``tried`` through all that a run asks, with turns in the control's rounds where there is one.

    In more rounds where these show a gain.
    """
    shared = SharedCases(problem, CaseSet.of(problem, randbits(64)))
    share: float | None = None
    try:
        if control is not None:
            tried.set_up(shared, PATIENCE_S)
            share = _share_of_time(shared, control(), tried)
            tried.check_answers(PATIENCE_S)
            tried.finish(PATIENCE_S)
        else:
            _measured_as_in_a_run(tried, shared, thorough=thorough)
    except Ended as ended:
        return Attempt(problem, ended)
    finally:
        shared.close()
    return Attempt(problem, None, share)


def _measured_as_in_a_run(tried: WorkerClient, shared: SharedCases, *, thorough: bool) -> None:
    """As many calls as a run makes of a problem: what is wrong now and then has as many chances to show."""
    for number in range(POLICY.rounds.passes):
        tried.set_up(shared, PATIENCE_S, whole=number == 0)
        seconds = tried.warm_up(PATIENCE_S).seconds_per_call
        calls = max(1, round(POLICY.rounds.turn_s / max(seconds, 1e-7)))
        for _ in range(POLICY.rounds.usual):
            tried.turn(calls, 0.0, None, PATIENCE_S)
        tried.check_answers(PATIENCE_S, thorough=thorough)
        tried.finish(PATIENCE_S)


def _share_of_time(shared: SharedCases, control: WorkerClient, attack: WorkerClient) -> float:
    control.set_up(shared, PATIENCE_S)
    seconds = control.warm_up(PATIENCE_S).seconds_per_call
    calls = max(FEWEST_CALLS, round(POLICY.rounds.turn_s / max(seconds, 1e-7)))
    warm_s = attack.warm_up(PATIENCE_S).seconds_per_call
    shares, turns, used = list[float](), list[TurnOnBothClocks](), list[float]()

    def take(client: WorkerClient, calls: int) -> tuple[Turn, TurnOnBothClocks]:
        began = perf_counter()
        turn = client.turn(calls, POLICY.rounds.warm_s, None, PATIENCE_S)
        return turn, TurnOnBothClocks.of(turn, perf_counter() - began)

    most = POLICY.rounds.usual  # as in a run: results are looked at now and then
    while len(shares) < ROUNDS or (len(shares) < most and statistics.median(shares) < GAINED):
        for _ in range(ROUNDS):
            (its, on_both), (honest, _) = take(attack, calls), take(control, calls)
            turns.append(on_both)
            used.append(its.cpu_over_wall)
            shares.append(its.seconds_per_call / honest.seconds_per_call)
    check_clock(shared.problem, warm_s, calls, turns, lambda calls: take(attack, calls)[1])
    check_thread_budget(statistics.fmean(used), THREADS)
    return statistics.median(shares)
