"""One backend with its layer, in whichever process it runs: prepared, asked, timed, asked again.

What judges by time, or is judged by it, has a step of its own, so that a run can let the others share the cores. What
the answers are worth is judged elsewhere: see :mod:`judge`.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import Final

import numpy as np

from pointwise_bench import Backend, Layer, Problem
from pointwise_bench.backends.backend import DEVICES_APART
from pointwise_bench.common.cores import core_numbers
from pointwise_bench.common.formats import Cache
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.affinity import keep_to
from pointwise_bench.suites.harness.memory.guarded_arrays import Array, Input, Inputs
from pointwise_bench.suites.harness.memory.input_windows import Places
from pointwise_bench.suites.harness.memory.random_layout import ballast
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.clock import ClockedLayer, Turn, call, idle_processors, sync_of
from pointwise_bench.suites.harness.timing.device_clock import DeviceClock
from pointwise_bench.suites.harness.timing.input_rotation import InputRotation
from pointwise_bench.suites.harness.timing.looks import Looks, Taken
from pointwise_bench.suites.harness.timing.process_statistics import forget_peak, import_time, peak_rss_bytes
from pointwise_bench.suites.harness.verify.questions import Questions, Weights
from pointwise_bench.suites.harness.verify.respondent import Respondent, Taking

# Bound before any plugin is loaded.
AUDITED_SHARE: Final = POLICY.gate.audited_share
MOST_AUDITED: Final = POLICY.gate.most_audited
THOROUGH_CALLS: Final = POLICY.gate.thorough_calls
NO_VIEW: Final = (
    "makes something of its input in to_device(), where no clock runs: on the CPU it must hand on the harness's array, "
    "or an array of its library's that lies in the same memory"
)


@dataclass(frozen=True)
class Prepared:
    """What is known of a backend on one problem once it has answered the first questions."""

    prepare_s: float
    first_call_s: float


@dataclass(frozen=True)
class WarmUp:
    """What is known once the layer is compiled and level."""

    seconds_per_call: float  # what the plan of the rounds is made from
    cpu_over_wall: float  # of the warm-up, which may use every core: proves the thread budget


@dataclass(frozen=True)
class AnsweredAgain:
    """How the questions after the timing were answered."""

    renewed: bool  # whether the timed array could be given new values
    last_line: int | None  # see InputRotation.last_line
    odd: bool = False  # whether one of many results for one input was not as the others


@dataclass(frozen=True)
class Closed:
    """What is known once the timing is over and the checks by time have been passed."""

    peak_rss_bytes: int


@dataclass
class _Current:
    """The layer that is being timed, with all that its last questions need."""

    respondent: Respondent
    clocked: ClockedLayer
    timer: DeviceClock | None
    seconds_per_call: list[float] = field(default_factory=list)
    timed_s: float = 0.0  # of all turns
    finishes: bool = False  # see Respondent.finishes


class TimedLayer:
    """A backend with its thread budget, on one problem at a time.

    ``set_up``, ``warm_up``, any number of ``turn``, ``answer_again``, ``close``. The first and the fourth hand over
    values, as a turn does now and then, and others may do the same beside them; the other three need the machine
    for themselves.
    """

    def __init__(self, backend: Backend, threads: int, device: str | None = None) -> None:
        """``device``: where the backend computes, as the harness keeps it; None for what the backend says itself."""
        self.backend = backend
        self.threads = threads
        self.device = backend.device if device is None else device
        self._current: _Current | None = None
        self._cores: list[int] | None = None
        self._everywhere: list[int] = []
        self._ballast: list[bytes] = []
        self._sync = sync_of(backend)

    def set_up(
        self, problem: Problem, questions: Questions, results: Taking, cache: Cache = "hot", *, whole: bool = True
    ) -> Prepared:
        """Prepare, and answer (see :meth:`Respondent.before`; without ``whole``, the real questions alone).

        ``WrongAnswer`` for what needs no answer to be wrong, anything from the backend.
        """
        self._current = None
        self._ballast = ballast()
        forget_peak()
        with import_time() as imports_s:
            began = perf_counter()
            layer = self._prepare(problem, questions.real)
            prepare_s = perf_counter() - began - imports_s()
        inputs = InputRotation(self.backend, questions.first, cache, questions.pools)
        clocked = ClockedLayer(layer, self._sync, inputs)
        first_call_s = clocked.first_call_s()
        apart = self.device in DEVICES_APART
        if not apart and not inputs.are_views():
            raise WrongAnswer(NO_VIEW)
        respondent = Respondent(self.backend, problem, questions, self.device)
        clocked.looks = Looks(respondent.read_copied)
        respondent.before(layer, self._prepare(problem, questions.integer) if whole else None, results)
        # Of the processor there is but one clock.
        timer = self.backend.device_timer() if apart else None
        held = None if timer is None else DeviceClock(timer, self.backend, layer, inputs)
        self._current = _Current(respondent, clocked, held)
        return Prepared(prepare_s, first_call_s)

    def warm_up(self) -> WarmUp:
        """Pass :meth:`Respondent.finishes`, then call until compiled and level. May be left out: nothing is timed."""
        current = self._current_layer()
        self._check_finishes(current)
        return WarmUp(*current.clocked.warm_up())

    def device_time(self, calls: int, cores: list[int] | None = None) -> float | None:
        """Seconds per call of ``calls`` calls by the device's clock; None where the backend has no such clock.

        Asked for before a turn, so that the last result of all is that of the last timed call, which is asked for
        after the timing; and apart from it, since the harness's clock holds what is known to pass in a turn. In one
        request with the turn, all backends on devices had been convicted of a wrong clock.
        """
        timer = self._current_layer().timer
        self._keep_to(cores)
        return None if timer is None else timer.seconds_per_call(calls)

    def turn(self, calls: int, warm_s: float, cores: list[int] | None = None, places: Places = (0, 0)) -> Turn:
        """See :meth:`ClockedLayer.turn`. All threads are kept to ``cores`` until ``close``; None leaves them alone."""
        current = self._current_layer()
        self._keep_to(cores)
        turn = current.clocked.turn(calls, warm_s, places)
        current.seconds_per_call.append(turn.seconds_per_call)
        current.timed_s += turn.wall_s
        return turn

    def hand_over(self) -> Taken | None:
        """What was taken of the last turn's results, for the caller to close; None where nothing was: see Looks."""
        looks = self._current_layer().clocked.looks
        return None if looks is None else looks.hand_over()

    def answer_again(self, results: Taking, thorough_s: float | None = None) -> AnsweredAgain:
        """The result of the last timed call, and more of the very layer and input: see :meth:`Respondent.after`.

        ``thorough_s``: of many calls, where the backend is suspected to be wrong now and then.
        """
        current = self._current_layer()
        self._keep_to(None)
        clocked, inputs = current.clocked, current.clocked.inputs
        inputs.check_untouched()
        last_line = inputs.last_line
        audit_s, most = AUDITED_SHARE * current.timed_s, MOST_AUDITED
        if thorough_s is not None:
            audit_s, most = thorough_s, THOROUGH_CALLS
        renewed, odd = current.respondent.after(
            clocked.layer, inputs.first, clocked.result, inputs.sources[0], results, audit_s, most
        )
        return AnsweredAgain(renewed, last_line, odd)

    def close(self) -> Closed:
        """Pass the checks that judge by time; then forget the problem."""
        current = self._current_layer()
        self._keep_to(None)
        self._check_finishes(current)
        typical_s = statistics.median(current.seconds_per_call)
        current.respondent.recomputes(current.clocked.layer, current.clocked.inputs.first, typical_s)
        self._current = None
        return Closed(peak_rss_bytes())

    def idle(self, settled_s: float) -> float:
        """See :func:`idle_processors`."""
        return idle_processors(settled_s)

    def apply(self, problem: Problem, weights: Weights, x: Array) -> Array:
        """The backend's result for one input: what the correctness suite compares with its own expectations.

        A residual is zero: what is expected is of the product.
        """
        layer = self._prepare(problem, weights)
        inputs = Inputs((x, np.zeros(problem.output_shape, x.dtype)) if problem.add else (x,))
        on_device = tuple(self.backend.to_device(each) for each in inputs.arrays)
        result = self.backend.to_numpy(call(layer, self._sync, on_device))
        inputs.check_untouched()
        return np.array(result)

    # --- the steps ------------------------------------------------------------------------------------------

    def _current_layer(self) -> _Current:
        if self._current is None:
            raise RuntimeError("set_up comes first")
        return self._current

    def _prepare(self, problem: Problem, weights: Weights) -> Layer:
        weight, bias = (None if each is None else Input(each).array for each in (weights.weight, weights.bias))
        layer = self.backend.prepare(problem, weight, bias, self.threads)  # type: ignore[arg-type]  # None: no weights
        if not callable(layer):
            raise TypeError(f"prepare returned {type(layer).__name__}, which is not callable and so is no layer")
        return layer

    @staticmethod
    def _check_finishes(current: _Current) -> None:
        if not current.finishes:
            current.respondent.finishes(current.clocked.layer)
            current.finishes = True

    def _keep_to(self, cores: list[int] | None) -> None:
        if cores is not None and cores != self._cores:
            self._everywhere = self._everywhere or core_numbers()
            keep_to(cores, started=True)
        elif cores is None and self._cores is not None:
            keep_to(self._everywhere, started=True)
        self._cores = cores
