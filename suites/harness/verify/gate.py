"""Is the answer right? Asked in the timed worker, of the timed callable, before the clock and once again after it.

Every check raises :class:`WrongAnswer` with a sentence for the backend's author: what was asked, what is wrong with
the answer, and where it can be told, which mistake gives exactly that answer.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

# What judges is bound before any plugin is loaded, which can replace it in its module later.
from numpy import absolute, array_equal, divide, float64, inf, ndarray, subtract

from pointwise_bench import Backend, Layer, Problem
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs, OnDevice
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import error_bounds as bounds
from pointwise_bench.suites.harness.verify.cases import Case, CaseSet, Weights
from pointwise_bench.suites.harness.verify.diagnosis import Agree, Mismatch, diagnose, rounded_operands

Array = npt.NDArray[Any]

REWARM_S = 0.001  # of calls on the old input before a new one
OLD_CALLS, OLD_CALLS_S = 3, 0.1  # as many at least, unless they take longer than this
NEW_INPUTS = 8  # at most
TIMES_ASKED = 5  # before work outside the clock is held for proven
READING_S = 200e-6  # that a library may take to hand over one result, at its slowest
REMEMBERING = 3.0  # times slower on a new input than on the old one: no cache of the processor's explains that


class Gate:
    """The checks of one backend on one problem."""

    def __init__(self, backend: Backend, problem: Problem, cases: CaseSet) -> None:
        self._backend = backend
        self._problem = problem
        self._asked = cases
        self._previous_answer: Array | None = None
        self._widening = _widening(backend, problem)
        self.error_ratio: float | None = None

    # --- the two occasions ----------------------------------------------------------------------------------

    def before(self, timed: Layer, exact: Layer | None) -> None:
        """``timed`` has the examination's real weights, ``exact`` its integer weights.

        None instead of ``exact``: another start of this backend has answered the exact questions on this problem. What
        is left is asked of the very layer that will be timed.
        """
        if exact is not None:
            self._check_exact(exact)
        self._check_reals(timed)
        self._check_finished(timed)

    def after(self, timed: Layer, on_device: OnDevice, last_result: Any, host: Inputs, seconds_per_call: float) -> None:
        """``on_device`` are the inputs of the timing, ``host`` the arrays that they came from."""
        asked = self._asked
        host.check_untouched()
        last = self._read(last_result).copy()  # the next call may overwrite it
        self._check_device_copy_untouched(timed, on_device)
        self._close(asked.first, last, "in the last timed call")
        self._ask_close(timed, asked.second, "after the timing")
        self._close(asked.first, self._compute(timed, on_device), "after the timing")
        self._check_sees_new_values(timed, on_device, host)
        self._check_recomputes(timed, on_device, seconds_per_call)

    # --- single checks --------------------------------------------------------------------------------------

    def _check_exact(self, layer: Layer) -> None:
        """Integers, the precision probe, NaN and infinity: all equal to the reference bit for bit.

        A reduced arithmetic is not asked the probe, which tells that it is one; the integers are exact in it too.
        """
        asked, bits = self._asked, bounds.PROBE_BITS[self._problem.dtype]
        for question, where in (
            (asked.integers, "on small integers"),
            (asked.probe, f"on the precision probe 1 + 2^-{bits}"),
            (asked.poisoned, "when the input holds NaN and infinity"),
            (asked.integers, "on the first input, asked again"),
        ):
            if question is asked.probe and self._backend.arithmetic != "own":
                continue
            inputs = Inputs(question.inputs)
            result = self._compute(layer, self._to_device(inputs))
            if not _equal(_plain(result), question.answer):
                self._wrong(asked.integer, question, result, where, self._exactly)
            inputs.check_untouched()
            self._previous_answer = question.answer

    def _check_reals(self, layer: Layer) -> None:
        """Two inputs in a row, each within the bound; a fresh result must survive the second call."""
        asked = self._asked
        first_result = self._call(layer, self._to_device(Inputs(asked.first.inputs)))
        first = self._read(first_result).copy()
        self._close(asked.first, first, "on real numbers")
        self._ask_close(layer, asked.second, "on real numbers")
        if self._backend.output == "fresh" and not _equal(self._read(first_result), first):
            raise WrongAnswer('declares output "fresh", but a later call overwrites its result: declare "reused"')

    def _check_finished(self, layer: Layer) -> None:
        """No work may go on after ``sync``: reading a result at once must not take longer than reading it later.

        Asked again before anybody is convicted: a disturbance that lasts over one asking slows all of its readings.
        """
        x = self._to_device(Inputs(self._asked.first.inputs))
        reasons: list[str] = []
        while len(reasons) < TIMES_ASKED:
            reason = self._unfinished(layer, x)
            if reason is None:
                return
            reasons.append(reason)
        raise WrongAnswer(reasons[-1])

    def _unfinished(self, layer: Layer, x: OnDevice) -> str | None:
        """What reading a result shows of work outside the clock; None where there is none."""
        copying_s = _seconds_of(self._compute(layer, x).copy)
        at_once_s = self._reading_s(layer, x, pause_s=0.0)
        if at_once_s < 3 * copying_s + 20e-6:
            return None  # a result that is read as fast as it is copied was there already
        later_s = self._reading_s(layer, x, pause_s=max(0.02, 2 * at_once_s))
        if later_s < at_once_s / 4:
            return (
                f"is not finished when sync() returns: reading the result at once took {at_once_s * 1e3:.2g} ms, "
                f"after a pause {later_s * 1e3:.2g} ms; the clock would miss the difference"
            )
        # A device's result has to travel; on the CPU nothing but a copy is left to do. What to_numpy() computes is in
        # both readings, while a pause cools caches and cores: a short reading takes ten times as long after it.
        reading_s = min(at_once_s, later_s)
        results = 1 + (self._problem.direction == "backward-weight" and self._problem.bias)
        if self._backend.device == "cpu" and reading_s > 10 * copying_s + results * READING_S:
            return (
                f"works in to_numpy(), where no clock runs: reading a finished result took {reading_s * 1e3:.2g} ms, "
                f"copying it {copying_s * 1e3:.2g} ms"
            )
        return None

    def _reading_s(self, layer: Layer, x: OnDevice, pause_s: float) -> float:
        """Seconds to read a result ``pause_s`` after the call; the best of three, as a disturbance only adds."""
        readings = []
        for _ in range(3):
            result = self._call(layer, x)
            time.sleep(pause_s)
            readings.append(_seconds_of(lambda result=result: self._read(result)))  # type: ignore[misc]
        return min(readings)

    def _check_device_copy_untouched(self, layer: Layer, x: OnDevice) -> None:
        """The array that ``to_device`` made is the backend's own, and still it must not be written to."""
        first = self._asked.first
        if self._far(self._compute(layer, x), first):
            fresh = self._compute(layer, self._to_device(Inputs(first.inputs)))
            if not self._far(fresh, first):
                raise WrongAnswer(
                    "changes its input: a repeated call on one array answers otherwise than on a fresh copy"
                )

    def _check_recomputes(self, layer: Layer, x: OnDevice, seconds_per_call: float) -> None:
        """An input that was never seen must take no longer than the one that was timed: no answer may be remembered.

        Each new input comes straight after calls on the old one, so that caches and threads are as warm for it, and is
        read through first: where reading is the work, one from main memory takes over three times as long. One
        that is as fast as the old one acquits: on a busy machine any call may wait for a thread that is not running,
        while whoever remembers is slow on every new input.
        """
        first = self._asked.first.inputs
        slow = []
        for step in range(1, NEW_INPUTS + 1):
            factor = 1 + step / (2 * NEW_INPUTS)
            inputs = Inputs(tuple(each * each.dtype.type(factor) for each in first))
            new = self._to_device(inputs)
            old_s = self._seconds_per_old_call(layer, x)
            inputs.read_through()
            new_s = _seconds_of(lambda new=new: self._call(layer, new))  # type: ignore[misc]
            if new_s <= REMEMBERING * max(seconds_per_call, old_s) + 20e-6:
                return
            slow.append(new_s)
        raise WrongAnswer(
            f"replays a cached answer: an input that it had not seen took {min(slow):.3g} s, "
            f"the repeated one {seconds_per_call:.3g} s"
        )

    def _seconds_per_old_call(self, layer: Layer, x: OnDevice) -> float:
        """The median of some calls on the timed input.

        Not the last of them: a call that had to wait is the likeliest to end the loop, and would acquit whoever
        remembers.
        """
        seconds: list[float] = []
        while sum(seconds) < REWARM_S or (len(seconds) < OLD_CALLS and sum(seconds) < OLD_CALLS_S):
            seconds.append(_seconds_of(lambda: self._call(layer, x)))
        return statistics.median(seconds)

    def _to_device(self, inputs: Inputs) -> OnDevice:
        return tuple(self._backend.to_device(each) for each in inputs.arrays)

    def _call(self, layer: Layer, x: OnDevice) -> Any:
        result = layer(*x)
        self._backend.sync()
        return result

    def _check_sees_new_values(self, layer: Layer, x: OnDevice, host: Inputs) -> None:
        """New values in the same array need a new answer: a cache keyed by the array's identity fails here."""
        first, second = self._asked.first, self._asked.second
        if any(mine is not theirs for mine, theirs in zip(x, host.arrays, strict=True)):
            return  # the backend holds a copy that the harness cannot reach
        if not self._far(second.answer, first):
            return  # tiny problems can have one answer to both inputs
        host.replace_by(second.inputs)
        result = self._compute(layer, x)
        if not self._far(result, first):
            raise WrongAnswer("replays a cached answer: new values in the same array gave the answer to the old ones")
        self._close(second, result, "after new values in the same array")
        host.replace_by(first.inputs)

    # --- asking and comparing -------------------------------------------------------------------------------

    def _ask_close(self, layer: Layer, question: Case, where: str) -> None:
        inputs = Inputs(question.inputs)
        self._close(question, self._compute(layer, self._to_device(inputs)), where)
        inputs.check_untouched()

    def _compute(self, layer: Layer, x: OnDevice) -> Array:
        return self._read(self._call(layer, x))

    def _read(self, result: Any) -> Array:
        """The result as one array of the right form: with its bias' gradient, if any, as the last column."""
        p = self._problem
        if p.direction != "backward-weight":
            return self._array(result, p.output_shape if p.direction == "forward" else p.input_shape)
        if not p.bias:
            return self._array(result, p.weight_shape)
        if not isinstance(result, tuple) or len(result) != 2:
            raise WrongAnswer(
                f"returns {type(result).__name__}: the bias' gradient is missing; backward-weight with a bias "
                f"returns the tuple (dw, db)"
            )
        dw, db = self._array(result[0], p.weight_shape), self._array(result[1], (p.out_channels,))
        return np.concatenate([dw, db[:, None]], axis=1)

    def _array(self, result: Any, shape: tuple[int, ...]) -> Array:
        array = self._backend.to_numpy(result)
        if not isinstance(array, ndarray):
            raise WrongAnswer(f"returns {type(array).__name__} from to_numpy, not a NumPy array")
        array = ndarray.view(array, ndarray)  # a subclass can have a shape, or an equality, of its own
        if array.shape != shape:
            raise WrongAnswer(f"returns shape {array.shape}, expected {shape}{self._of_another(array.shape)}")
        if array.dtype != np.dtype(self._problem.dtype):
            raise WrongAnswer(f"returns {array.dtype}, but the problem is {self._problem.dtype}")
        return array

    def _of_another(self, shape: tuple[int, ...]) -> str:
        """What a wrong shape is the right shape of."""
        p = self._problem
        other = replace(p, layout="nhwc" if p.layout == "nchw" else "nchw")
        if p.direction == "backward-weight":
            alternatives: dict[tuple[int, ...], str] = {p.weight_shape[::-1]: "the result is transposed"}
        elif p.direction == "backward-input":
            alternatives = {
                p.output_shape: "that is the shape of dy",
                other.input_shape: f"that is the {other.layout} layout",
                replace(p, height=p.out_height, width=p.out_width, stride=1).input_shape: "the stride is ignored",
            }
        else:
            alternatives = {
                p.input_shape: "that is the input's shape",
                other.output_shape: f"that is the {other.layout} layout",
                replace(p, stride=1).output_shape: "the stride is ignored",
            }
        return f": {alternatives[shape]}" if shape in alternatives else ""

    def _error(self, result: Array, question: Case) -> float:
        """The largest error over what is allowed at its place, infinite where a number is not finite."""
        if result.size == 0:
            return 0.0
        assert question.allowed is not None, "exact answers have no error"
        error = subtract(_plain(result), question.answer, dtype=float64)
        absolute(error, out=error)
        nothing_allowed = question.allowed == 0  # a sum without terms: the pixels that a stride skips in a gradient
        if nothing_allowed.any():
            error[nothing_allowed & (error != 0)] = inf
            divide(error, question.allowed, out=error, where=~nothing_allowed)
        else:
            error /= question.allowed
        worst = float(error.max()) / self._widening
        return worst if worst == worst else float("inf")  # noqa: PLR0124  # NaN alone differs from itself

    def _exactly(self, result: Array, candidate: Array) -> bool:
        """Whether ``result`` is what the problem's dtype makes of ``candidate``."""
        return _equal(result, _plain(candidate.astype(self._problem.dtype)))

    @property
    def _rule(self) -> str:
        return bounds.rule(self._problem.dtype, self._backend.arithmetic)

    def _far(self, result: Array, question: Case) -> bool:
        return self._error(result, question) > 1

    def _close(self, question: Case, result: Array, where: str) -> None:
        """Record the error over its bound, and refuse a result beyond it."""
        ratio = self._error(result, question)
        if ratio > 1:
            self.error_ratio = ratio
            self._wrong(
                self._asked.real, question, result, where, lambda a, b: not self._far(a, replace(question, answer=b))
            )
        self.error_ratio = max(ratio, self.error_ratio or 0.0)
        self._previous_answer = question.answer

    def _wrong(self, weights: Weights, question: Case, result: Array, where: str, agree: Agree) -> NoReturn:
        case = Mismatch(self._problem, weights, question, self._previous_answer)
        plain = _plain(result)
        reason = f"wrong {where}: {diagnose(case, plain, agree)}"
        if self.error_ratio is not None and self.error_ratio > 1:
            reason += f"; the error is {self.error_ratio:.3g} times what {self._rule} allows"
            if name := rounded_operands(case, plain, lambda a, b: self._error(a, replace(question, answer=b))):
                reason += f", and what {name} arithmetic gives"
        raise WrongAnswer(reason, self.error_ratio)


def _widening(backend: Backend, problem: Problem) -> float:
    try:
        return bounds.widening(problem, backend.arithmetic)
    except KeyError:
        known = ", ".join(["own", *bounds.REDUCED])
        raise WrongAnswer(f'declares arithmetic "{backend.arithmetic}", for which no bound is known: {known}') from None


def _plain(result: Array) -> Array:
    """``result`` in a type that NumPy itself computes with: nothing is lost in it."""
    return result if result.dtype in (np.float32, np.float64) else result.astype(np.float32)


def _equal(a: Array, b: Array) -> bool:
    return bool(array_equal(a, b, equal_nan=True))


def _seconds_of(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
