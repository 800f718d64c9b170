"""Where the clock is read: the only place in which timed calls of a layer stand between two readings of the clock.

Nothing else happens between the readings: the inputs are made before the first, the loop calls nothing but the layer
(and ``sync``, for a backend that has one), and numbers are derived after the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter, sleep  # bound before any plugin is loaded, which can replace time's own later
from typing import Any, Final

from pointwise_bench import Backend, Layer
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.guarded_arrays import OnDevice
from pointwise_bench.suites.harness.memory.input_windows import Places
from pointwise_bench.suites.harness.timing.cpu_time import cpu_seconds, waiting_seconds
from pointwise_bench.suites.harness.timing.input_rotation import InputRotation
from pointwise_bench.suites.harness.timing.process_statistics import no_garbage_collection, page_faults

# Bound before any plugin is loaded, which could change the policy's own fields later.
LEVEL_WITHIN: Final = POLICY.timing.level_within
LONGEST_WARM_UP_S: Final = POLICY.timing.longest_warm_up_s
WARM_UP_BATCH_S: Final = POLICY.timing.warm_up_batch_s
WATCHED_S: Final = POLICY.acceptance.watched_s

Sync = Callable[[], None]


@dataclass(frozen=True)
class Turn:
    """One backend's share of one round."""

    seconds_per_call: float
    cpu_over_wall: float  # with the calls before
    wall_s: float
    device_seconds_per_call: float | None
    page_faults: int | None = None
    untimed_s: float = 0.0  # of what came before: new values for the inputs, and calls


class ClockedLayer:
    """A prepared layer with its inputs in rotation, and the clock around its calls.

    ``sync`` is that of :func:`sync_of`. ``result`` is what the last call of the last turn returned.
    """

    def __init__(self, layer: Layer, sync: Sync | None, inputs: InputRotation) -> None:
        self.layer = layer
        self.inputs = inputs
        self.result: Any = None
        self._sync = sync
        self._takes_two = len(inputs.first) == 2

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
            batch_began = perf_counter()
            self._repeat(given)
            now = perf_counter()
            seconds_per_call = (now - batch_began) / calls
            # Settling means getting faster. A slower batch is noise, and noise is no reason to go on.
            level = seconds_per_call > (1 - LEVEL_WITHIN) * best
            if (level and now - batch_began >= WARM_UP_BATCH_S / 2) or now - began > LONGEST_WARM_UP_S:
                return seconds_per_call, (cpu_seconds() - cpu_began) / (perf_counter() - began)
            best = min(best, seconds_per_call)
            calls = max(1, round(WARM_UP_BATCH_S / max(seconds_per_call, 1e-7)))

    def turn(self, calls: int, warm_s: float, places: Places) -> Turn:
        """Call for ``warm_s`` seconds (once at least) untimed, then ``calls`` times timed; values from ``places``."""
        layer, inputs = self.layer, self.inputs
        filling = perf_counter()
        inputs.fill(places)
        filling_s = perf_counter() - filling
        with no_garbage_collection():
            # The wall's interval encloses the processors': else a pause between two readings, which threads that spin
            # make likely, shows more processor seconds than there are processors.
            asked, cpu_began = perf_counter(), cpu_seconds()
            woken = perf_counter()
            while True:
                call(layer, self._sync, inputs.next())
                if perf_counter() - woken >= warm_s:
                    break
            untimed_s = perf_counter() - woken
            given = inputs.take(calls)
            faults_before = page_faults()
            began = perf_counter()
            self.result = self._repeat(given)
            wall_s = perf_counter() - began
            cpu_over_wall = (cpu_seconds() - cpu_began) / (perf_counter() - asked)
            faults = page_faults() - faults_before
        return Turn(wall_s / calls, cpu_over_wall, wall_s, None, faults, untimed_s + filling_s)

    def _repeat(self, given: Iterable[Any]) -> Any:
        """The timed loop. One for each kind of call, so that none pays for a test that another kind needs."""
        if self._takes_two:
            return self._repeat_with_two(given)
        layer, sync, result = self.layer, self._sync, None
        if sync is None:
            for x in given:
                result = layer(x)
        else:
            for x in given:
                result = layer(x)
                sync()
        return result

    def _repeat_with_two(self, given: Iterable[Any]) -> Any:
        layer, sync, result = self.layer, self._sync, None
        if sync is None:
            for x, dy in given:
                result = layer(x, dy)
        else:
            for x, dy in given:
                result = layer(x, dy)
                sync()
        return result


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
