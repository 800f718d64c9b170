"""Where the clock is read: the only place in which timed calls of a layer stand between two readings of the clock.

Nothing else happens between the readings: the inputs are made before the first, the loop calls nothing but the layer
(and ``sync``, for a backend that has one), and numbers are derived after the second. Between two intervals of calls
the last result may be taken to be looked at (see :mod:`looks`). An interval is one call, but of short calls several,
as what is done between them, and that the next call is colder for it, would be a share of them. Which call ends it is
drawn, and the loop is told when that has returned, in 0.03 us: while it runs no frame shows it. Intervals of a length
that stood in the frames were rejected: who reuses its buffer computed the last call of each and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter, sleep  # bound before any plugin is loaded, which can replace time's own later
from typing import Any, Final, NamedTuple

from pointwise_bench import Backend, Layer
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.guarded_arrays import OnDevice
from pointwise_bench.suites.harness.memory.input_windows import Places
from pointwise_bench.suites.harness.timing.cpu_time import cpu_seconds, waiting_seconds
from pointwise_bench.suites.harness.timing.input_rotation import InputRotation
from pointwise_bench.suites.harness.timing.looks import (
    LONGEST_MEAN,
    Looks,
    end_of_interval,
    is_drawn,
    is_watched,
    limit_of,
)
from pointwise_bench.suites.harness.timing.process_statistics import no_garbage_collection, page_faults

# Bound before any plugin is loaded, which could change the policy's own fields later.
LEVEL_WITHIN: Final = POLICY.timing.level_within
LONGEST_WARM_UP_S: Final = POLICY.timing.longest_warm_up_s
WARM_UP_BATCH_S: Final = POLICY.timing.warm_up_batch_s
INTERVAL_S: Final = POLICY.timing.interval_s
RENEWED_S: Final = POLICY.timing.renewed_s
MOST_INTERVALS: Final = POLICY.timing.most_intervals
GIVEN_UP_AT: Final = POLICY.acceptance.turn_given_up_at
SHORTEST_GIVEN_UP_S: Final = POLICY.acceptance.shortest_given_up_s
SLOW_INTERVAL: Final = POLICY.acceptance.slow_interval
WATCHED_S: Final = POLICY.acceptance.watched_s

LONGEST: Final = 2
"""An interval of several calls also ends after so many times as many as it has on the mean; one in eight does."""
PARTS: Final = 4
"""An interval is no more than such a part of a turn, on the mean: of longer ones too few results could be taken."""

Sync = Callable[[], None]
CallUntil = Callable[[Sequence[Any], int, list[Iterable[bool]]], tuple[Any, int]]
"""Calls for the given inputs from one on, until what is popped of the list says so or ends. The last result, and which
input comes next."""


@dataclass(frozen=True)
class Turn:
    """One backend's share of one round."""

    seconds_per_call: float
    cpu_over_wall: float  # with the calls before
    wall_s: float
    device_seconds_per_call: float | None
    page_faults: int | None = None
    untimed_s: float = 0.0  # of what came before, new values for the inputs and calls, and between timed calls
    taken_line: int | None = None  # of a result that was taken: see InputRotation.lines
    salt: int = 0  # see InputRotation.fill
    apart_s: float = 0.0  # on the harness's clock: of the device's, before; of stopping the worker and judging, behind


class _Repeated(NamedTuple):
    """What timed calls came to."""

    seconds: float  # of those that came
    seconds_per_call: float  # of all that were asked for
    calls: int  # that came: fewer than were asked for where they were given up
    result: Any  # of the last


class ClockedLayer:
    """A prepared layer with its inputs in rotation, and the clock around its calls.

    ``sync`` is that of :func:`sync_of`. ``result`` is what the last call of the last turn returned.
    """

    def __init__(self, layer: Layer, sync: Sync | None, inputs: InputRotation) -> None:
        self.layer = layer
        self.inputs = inputs
        self.result: Any = None
        self.looks: Looks | None = None
        self._interval = 1  # calls
        self._quickest_s = float("inf")
        self._call_until = _calling(layer, sync, len(inputs.first))
        self._sync = sync

    def first_call_s(self) -> float:
        """Seconds of one call: of the first one, which may compile."""
        began = perf_counter()
        call(self.layer, self._sync, self.inputs.first)
        return perf_counter() - began

    def warm_up(self) -> tuple[float, float]:
        """Call until compiled and level. Seconds per call of the last batch; CPU seconds over wall seconds of all."""
        began, cpu_began = perf_counter(), cpu_seconds()
        best, calls = float("inf"), 1
        while True:
            given = self.inputs.take(calls)
            batch_s, seconds_per_call, called, _ = self._repeat(given, None)
            now = perf_counter()
            self._note_speed(seconds_per_call)
            # Settling means getting faster. A slower batch is noise, and noise is no reason to go on, unless it is one
            # that was given up: who then has a call in each of his turns has few rounds, too.
            level = seconds_per_call > (1 - LEVEL_WITHIN) * best and called == calls
            if (level and batch_s >= WARM_UP_BATCH_S / 2) or now - began > LONGEST_WARM_UP_S:
                return seconds_per_call, (cpu_seconds() - cpu_began) / (perf_counter() - began)
            best = min(best, seconds_per_call)
            calls = max(1, round(WARM_UP_BATCH_S / max(seconds_per_call, 1e-7)))

    def turn(self, calls: int, warm_s: float, places: Places) -> Turn:
        """Call for ``warm_s`` seconds (once at least) untimed, then ``calls`` times timed; values from ``places``.

        Fewer times where they take far longer than they have taken before: see ``GivingUpPolicy.turn_given_up_at``.

        The values come between the two, so that nobody can compute ahead where no clock runs: in a millisecond of
        untimed calls there is time for all windows of a small input. The block is in the caches when it has been
        written.
        """
        layer, inputs, looks = self.layer, self.inputs, self.looks
        with no_garbage_collection():
            # The wall's interval encloses the processors': else a pause between two readings, which threads that spin
            # make likely, shows more processor seconds than there are processors.
            asked, cpu_began = perf_counter(), cpu_seconds()
            woken = perf_counter()
            while True:
                call(layer, self._sync, inputs.next())
                if perf_counter() - woken >= warm_s:
                    break
            salt = inputs.fill(places)
            untimed_s = perf_counter() - woken
            given = inputs.take(calls)
            if looks is not None:
                looks.begin()
            faults_before = page_faults()
            began = perf_counter()
            wall_s, seconds_per_call, called, self.result = self._repeat(given, looks)
            untimed_s += perf_counter() - began - wall_s
            self._note_speed(seconds_per_call)
            cpu_over_wall = (cpu_seconds() - cpu_began) / (perf_counter() - asked)
            faults = page_faults() - faults_before - (0 if looks is None else looks.faults)
            faults = round(faults * calls / called)  # told for each call that was asked for
        return Turn(seconds_per_call, cpu_over_wall, wall_s, None, faults, untimed_s, salt=salt)

    def _note_speed(self, seconds_per_call: float) -> None:
        """By the quickest calls so far: on a busy machine others show what they waited, and intervals were too short.

        What passes between these was 5 % of a turn at most then, and 20 % where a warm-up had waited most of its time.
        """
        self._quickest_s = min(self._quickest_s, seconds_per_call)
        self._interval = max(1, ceil(INTERVAL_S / max(self._quickest_s, 1e-7)))

    def _repeat(self, given: Sequence[Any], looks: Looks | None) -> _Repeated:
        """The timed loop.

        Where the calls are given up, one more stands for itself and all that do not come, in the mean as in the chance
        that its result is taken, and the mean is none below that of those that came: so little is gained by calls that
        are quick in the beginning, or in the end, or said to be.
        """
        lines, call_until, calls = self.inputs.lines, self._call_until, len(given)
        usual = min(max(min(self._interval, ceil(calls / PARTS)), calls // MOST_INTERVALS), LONGEST_MEAN)
        interval = 1  # the first shows how fast calls are now
        due_s, renewals, called, is_last = RENEWED_S, 0, 0, False
        most_s = max(SHORTEST_GIVEN_UP_S, GIVEN_UP_AT * calls * self._quickest_s)
        result: Any = None
        seconds = interval_s = 0.0
        while called < calls and not is_last:
            is_last, start = seconds > most_s, called
            if is_last or is_watched():
                interval = 1
            most = 1 if interval == 1 else min(LONGEST * interval, calls - start)
            if most > 1:
                result = None  # else there would be three at a time, where who calls one by one has two
            limit = limit_of(calls - start if is_last else interval, calls)
            end = [end_of_interval(interval, most)]
            began = perf_counter()
            result, called = call_until(given, called, end)
            interval_s = perf_counter() - began
            seconds += interval_s
            if looks is not None:
                if called - start < most or is_drawn(interval):
                    looks.consider(result, None if lines is None else lines[called - 1], limit, renewals)
                if seconds >= due_s and called < calls and not is_last:
                    self.inputs.renew()
                    due_s, renewals = seconds + RENEWED_S, renewals + 1
            interval = self._interval_behind(usual, interval_s / (called - start))
        self.inputs.end_after(called)
        seconds_per_call = max(seconds / called, (seconds + (calls - called) * interval_s) / calls)
        return _Repeated(seconds, seconds_per_call, called, result)

    def _interval_behind(self, usual: int, seconds_per_call: float) -> int:
        """How many calls come next: fewer than usual where those before took far longer than was foreseen.

        In so long an interval no input would be renewed, and no turn given up.
        """
        foreseen_s = max(INTERVAL_S, usual * self._quickest_s)
        if usual * seconds_per_call <= SLOW_INTERVAL * foreseen_s:
            return usual
        return max(1, min(usual, ceil(INTERVAL_S / seconds_per_call)))


def _calling(layer: Layer, sync: Sync | None, inputs: int) -> CallUntil:
    """What calls for each of some inputs. One for each kind of call: none pays for a test that another kind needs."""

    def call_until(given: Sequence[Any], called: int, end: list[Iterable[bool]]) -> tuple[Any, int]:
        result = None
        for has_ended in end.pop():  # with the call before
            if has_ended:
                break
            result = layer(given[called])
            called += 1
        return result, called

    def call_with_two_until(given: Sequence[Any], called: int, end: list[Iterable[bool]]) -> tuple[Any, int]:
        result = None
        for has_ended in end.pop():  # with the call before
            if has_ended:
                break
            result = layer(*given[called])
            called += 1
        return result, called

    def call_and_wait_until(given: Sequence[Any], called: int, end: list[Iterable[bool]]) -> tuple[Any, int]:
        result = None
        for has_ended in end.pop():  # with the call before
            if has_ended:
                break
            result = layer(given[called])
            sync()  # type: ignore[misc]  # asked below
            called += 1
        return result, called

    def call_with_two_and_wait_until(given: Sequence[Any], called: int, end: list[Iterable[bool]]) -> tuple[Any, int]:
        result = None
        for has_ended in end.pop():  # with the call before
            if has_ended:
                break
            result = layer(*given[called])
            sync()  # type: ignore[misc]  # asked below
            called += 1
        return result, called

    if sync is None:
        return call_until if inputs == 1 else call_with_two_until
    return call_and_wait_until if inputs == 1 else call_with_two_and_wait_until


def idle_processors(settled_s: float) -> float:
    """How many processors the threads of this process ask for while nothing is called, after ``settled_s`` seconds.

    CPU seconds over wall seconds, the time in which threads waited for a processor included: on a core that others
    use as well, a thread that spins for ever gets a third of it and would be held for one that rests.
    """
    sleep(settled_s)
    waited_before = waiting_seconds()
    began, cpu_began = perf_counter(), cpu_seconds()
    sleep(WATCHED_S)
    cpu_s = cpu_seconds() - cpu_began
    waited_s = sum(waited - waited_before.get(thread, 0.0) for thread, waited in waiting_seconds().items())
    return (cpu_s + waited_s) / (perf_counter() - began)


def sync_of(backend: Backend) -> Sync | None:
    """The backend's ``sync``; None where it has none of its own, so that nobody is charged for an empty method."""
    return None if type(backend).sync is Backend.sync else backend.sync


def call(layer: Layer, sync: Sync | None, x: OnDevice) -> Any:
    """One call, waited for."""
    result = layer(*x)
    if sync:
        sync()
    return result
