"""Attacks tried: each beside the control in rounds of its own, on the way that a run takes through a worker."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import randbits
from typing import Final

from pointwise_bench import Problem
from pointwise_bench.backends import Source
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

FOLDER: Final = Path(__file__).parent
CONTROL: Final = "control"
FILES: Final = {path.stem: path for path in sorted(FOLDER.glob("*.py")) if "\n@register\n" in path.read_text("utf-8")}
"""The files of the attacks and of the control, by name of the file: its kind."""
KINDS: Final = tuple(kind for kind in FILES if kind != CONTROL)
PATIENCE_S: Final = 60.0
ROUNDS: Final = 15
FEWEST_CALLS: Final = 25  # of a turn: some attacks wait until they see that they are in one
GAINED: Final = 0.9
"""Share of the control's time below which an attack has a time that it did not earn."""


@dataclass(frozen=True)
class Attempt:
    """What one kind came to on one problem: refused with a reason, or timed at ``share`` of the control's time."""

    problem: Problem
    ended: Ended | None
    share: float | None = None

    @property
    def gained(self) -> bool:
        """Whether it has a time that its honest control does not have."""
        return self.ended is None and self.share is not None and self.share < GAINED


def tries(kind: str) -> str:
    """The sentence in which the kind's file says what it tries."""
    return (ast.get_docstring(ast.parse(FILES[kind].read_text("utf-8"))) or "").replace("\n", " ")


def started(kind: str, folder: Path) -> WorkerClient:
    """A worker of the kind, whose log is in ``folder``."""
    source = FILES[kind]
    (name,) = re.findall(r'^    name = "(.*)"$', source.read_text("utf-8"), re.MULTILINE)
    return WorkerClient(name, Source("plugin", str(source)), threads=1, log=folder / kind)


def attempts(kind: str, problems: list[Problem], folder: Path) -> Iterator[Attempt]:
    """The kind on each of the problems that it takes; its worker is replaced where it has ended."""
    controls: list[WorkerClient] = []

    def control() -> WorkerClient:  # started when it is needed: few attacks come as far as a turn
        if not controls:
            controls.append(started(CONTROL, folder))
        return controls[0]

    attack = started(kind, folder)
    try:
        for problem in problems:
            if attack.refuses(problem, PATIENCE_S) is not None:
                continue
            tried = attempt(problem, control, attack)
            if tried.ended is not None and not tried.ended.alive:
                attack.kill()
                attack = started(kind, folder)
            yield tried
    finally:
        for worker in (attack, *controls):
            worker.kill()


def attempt(problem: Problem, control: Callable[[], WorkerClient], attack: WorkerClient) -> Attempt:
    """The attack through all that a run asks, with turns in the control's rounds; in more where these show a gain."""
    shared = SharedCases(problem, CaseSet.of(problem, randbits(64)))
    try:
        attack.set_up(shared, PATIENCE_S)
        shares = _shares_of_time(shared, control(), attack)
        attack.check_answers(PATIENCE_S)
        attack.finish(PATIENCE_S)
    except Ended as ended:
        return Attempt(problem, ended)
    finally:
        shared.close()
    return Attempt(problem, None, statistics.median(shares))


def _shares_of_time(shared: SharedCases, control: WorkerClient, attack: WorkerClient) -> list[float]:
    control.set_up(shared, PATIENCE_S)
    seconds = control.warm_up(PATIENCE_S).seconds_per_call
    calls = max(FEWEST_CALLS, round(POLICY.rounds.turn_s / max(seconds, 1e-7)))
    attack.warm_up(PATIENCE_S)
    shares: list[float] = []
    while len(shares) < ROUNDS or (len(shares) == ROUNDS and statistics.median(shares) < GAINED):
        for _ in range(ROUNDS):
            its, honest = (
                each.turn(calls, POLICY.rounds.warm_s, None, PATIENCE_S).seconds_per_call for each in (attack, control)
            )
            shares.append(its / honest)
    return shares
