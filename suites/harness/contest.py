"""One problem, all its backends: examined, timed in interleaved rounds, examined again. Yields a cell for each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from backends import Problem
from suites.harness.bounds import cannot_judge
from suites.harness.canary import Canary
from suites.harness.ceilings import Ceilings
from suites.harness.examination import Examination
from suites.harness.host import Host, SharedExamination
from suites.harness.outcome import Ended
from suites.harness.pool import Pool, Station
from suites.harness.record import Cell
from suites.harness.rounds import WARM_S, Share, orders, shares
from suites.harness.subject import Turn

T = TypeVar("T")

BUDGET_TOLERANCE = 0.1  # CPU seconds over wall seconds may exceed the thread budget by this much

# A call that beats the measured peak by this factor did not do the work. The factor is wide because the peak itself
# may have been measured in a bad moment; a replayed answer beats it by a hundred.
IMPLAUSIBLY_FAST = 3.0

# A backend that hangs on every problem would cost a run its time-out a hundred times over.
MOST_TIME_OUTS = 3


@dataclass
class Contestant:
    """One backend's way through the problem."""

    station: Station
    cell: Cell
    patience_s: float  # what is left of the time-out
    share: Share | None = None
    seconds_per_call: float = 0.0
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def ask(self, question: Callable[[Host, float], T]) -> T:
        """Put a question to the host and charge the answer's time against the time-out."""
        if self.station.host is None:
            raise Ended("crashed", "its worker is gone", alive=False)
        began = time.monotonic()
        try:
            return question(self.station.host, max(self.patience_s, 0.001))
        finally:
            self.patience_s -= time.monotonic() - began

    def note(self, turn: Turn, canary_s: float) -> None:
        """Keep one round's sample."""
        self.cell.samples_s.append(_digits(turn.seconds_per_call, 7))
        self.cell.process.append(self.station.starts - 1)
        self.cell.canary_s.append(_digits(canary_s, 4))
        if turn.device_seconds_per_call is not None:
            self.cell.device_samples_s.append(_digits(turn.device_seconds_per_call, 7))
        self.cpu_s += turn.cpu_s
        self.wall_s += turn.wall_s


@dataclass
class Contest:
    """A problem with its contestants. ``rounds`` gives the number of rounds from everybody's seconds per call."""

    problem: Problem
    cells: Sequence[Cell]
    pool: Pool
    canary: Canary
    rounds: Callable[[dict[str, float]], int]
    rng: Random
    timeout_s: float
    ceilings: Ceilings | None = None
    seed: int = 0
    _contestants: dict[str, Contestant] = field(default_factory=dict)
    _finished: list[Cell] = field(default_factory=list)

    def run(self) -> Iterator[list[Cell]]:
        """The cells, in batches as they are finished: first the backends that never start, last those that were timed.

        All timed cells come together: a record that held only some of them would be resumed with the rest, which
        would then have been measured at another time than their rivals.
        """
        for cell in self.cells:
            self._admit(cell)
        yield self._drain()
        self._examine_all()
        yield self._drain()
        self._time_all()
        for name in list(self._contestants):
            if self._guard(name, self._conclude):
                self._contestants[name].station.time_outs = 0
                self._finished.append(self._contestants.pop(name).cell)
        yield self._drain()

    def _drain(self) -> list[Cell]:
        """The cells that were finished since the last call."""
        finished, self._finished = self._finished, []
        return finished

    def _guard(self, name: str, action: Callable[[Contestant], None]) -> bool:
        """Whether ``action`` went well; otherwise the contestant is out, with its reason in its cell."""
        contestant = self._contestants[name]
        try:
            action(contestant)
        except Ended as ended:
            contestant.cell.end(ended.status, ended.reason)
            if ended.error_ratio is not None:
                contestant.cell.error_ratio = ended.error_ratio
            contestant.station.time_outs += ended.status == "timed-out"
            if not ended.alive:
                self.pool.dismiss(contestant.station)
            self._finished.append(self._contestants.pop(name).cell)
            return False
        return True

    # --- before the clock -----------------------------------------------------------------------------------

    def _admit(self, cell: Cell) -> None:
        """Let the backend in if it is here and takes the problem; close its cell otherwise."""
        try:
            station = self.pool.station(cell.backend, cell.threads)
            if station.missing is not None:
                raise Ended("unavailable", station.missing)
            if station.time_outs >= MOST_TIME_OUTS:
                raise Ended(
                    "timed-out", f"not tried: it timed out on {MOST_TIME_OUTS} problems in a row before this one"
                )
        except Ended as ended:
            cell.end(ended.status, ended.reason)
            self._finished.append(cell)
        else:
            self._contestants[cell.backend] = Contestant(station, cell, self.timeout_s)
            self._guard(cell.backend, self._ask_for_refusal)

    def _ask_for_refusal(self, contestant: Contestant) -> None:
        if reason := contestant.ask(lambda host, patience: host.refuses(self.problem, patience)):
            raise Ended("unsupported", reason)
        if reason := cannot_judge(self.problem):
            raise Ended("unsupported", f"the gate cannot judge it, and an unchecked time is not published: {reason}")

    def _examine_all(self) -> None:
        if not self._contestants:
            return
        shared = SharedExamination(self.problem, Examination.of(self.problem, self.seed))
        try:
            for name in list(self._contestants):
                self._guard(name, lambda contestant: self._examine(contestant, shared))
        finally:
            shared.close()

    @staticmethod
    def _examine(contestant: Contestant, shared: SharedExamination) -> None:
        admission = contestant.ask(lambda host, patience: host.examine(shared, patience))
        contestant.seconds_per_call = admission.seconds_per_call
        contestant.cell.prepare_s = admission.prepare_s
        contestant.cell.first_call_s = admission.first_call_s
        contestant.cell.error_ratio = admission.error_ratio

    # --- on the clock ---------------------------------------------------------------------------------------

    def _time_all(self) -> None:
        """Interleaved rounds. Their number and order are fixed before the first, from the warm-up's speed alone."""
        speeds = {name: each.seconds_per_call for name, each in self._contestants.items()}
        rounds = self.rounds(speeds)
        for name, share in shares(speeds, rounds).items():
            self._contestants[name].share = share
            self._contestants[name].cell.calls = share.calls
        for number, order in enumerate(orders(sorted(speeds), rounds, self.rng)):
            self._round(number, order)

    def _round(self, number: int, order: list[str]) -> None:
        taking_part = [name for name in order if name in self._contestants]
        taking_part = [name for name in taking_part if number < self._share(name).rounds]
        if taking_part:
            canary_s = self.canary.beat_s()
            for name in taking_part:
                self._guard(name, lambda contestant: self._take_turn(contestant, canary_s))

    def _share(self, name: str) -> Share:
        share = self._contestants[name].share
        assert share is not None, "shares are given out before the first round"
        return share

    def _take_turn(self, contestant: Contestant, canary_s: float) -> None:
        calls = contestant.cell.calls
        contestant.note(contestant.ask(lambda host, patience: host.turn(calls, WARM_S, patience)), canary_s)

    # --- after the clock ------------------------------------------------------------------------------------

    def _conclude(self, contestant: Contestant) -> None:
        """The gate again, the thread budget, and whether the times are possible at all."""
        conclusion = contestant.ask(lambda host, patience: host.conclude(patience))
        cell = contestant.cell
        cell.error_ratio = conclusion.error_ratio
        cell.peak_rss_bytes = conclusion.peak_rss_bytes
        cell.cpu_over_wall = contestant.cpu_s / contestant.wall_s
        if cell.cpu_over_wall > cell.threads + BUDGET_TOLERANCE:
            raise Ended(
                "failed",
                f"used {cell.cpu_over_wall:.2f} CPU seconds per second on a budget of {cell.threads} "
                f"thread{'s' * (cell.threads != 1)}: its library does not keep to the budget that prepare was given",
            )
        self._check_plausible(cell)

    def _check_plausible(self, cell: Cell) -> None:
        if self.ceilings is None or cell.device != "cpu":
            return
        median_s = statistics.median(cell.samples_s)
        least_s = self.ceilings.least_seconds(self.problem.flops, self.problem.dtype)
        if median_s * IMPLAUSIBLY_FAST < least_s:
            raise Ended(
                "wrong",
                f"impossibly fast: {median_s:.3g} s per call, where the measured FMA peak needs {least_s:.3g} s; "
                f"a cached answer, or work that goes on after the call",
            )


def _digits(seconds: float, digits: int) -> float:
    """Rounded to what the clock can tell: a nanosecond in a turn of 15 ms is seven digits. Halves the record."""
    return float(f"{seconds:.{digits}g}")
