"""An answer judged: which checks a backend must pass on a problem, in which order, before and after the timing.

Asked in the process that times it, of the very callable that is timed. Every check raises :class:`WrongAnswer` with a
sentence for the backend's author: what was asked, what is wrong with the answer, and where it can be told, which
mistake gives exactly that answer.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy.typing as npt

from pointwise_bench import Backend, Layer, Problem
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs, OnDevice
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.cases import Case, CaseSet, Weights
from pointwise_bench.suites.harness.verify.comparison import Comparison, equal, plain
from pointwise_bench.suites.harness.verify.diagnosis import Agree, Mismatch, diagnose, rounded_operands
from pointwise_bench.suites.harness.verify.error_bounds import PROBE_BITS
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.recomputation import check_finished, check_recomputes

Array = npt.NDArray[Any]


class Gate:
    """The checks of one backend on one problem."""

    def __init__(self, backend: Backend, problem: Problem, cases: CaseSet) -> None:
        self._backend = backend
        self._problem = problem
        self._cases = cases
        self._calls = LayerCalls(backend, problem)
        self._comparison = Comparison(problem, backend.arithmetic)
        self._previous_answer: Array | None = None
        self.error_ratio: float | None = None
        """The largest error over what is allowed, of all results so far; None before the first."""

    # --- before and after the timing ------------------------------------------------------------------------

    def before(self, timed: Layer, exact: Layer | None) -> None:
        """``timed`` has the real weights of the cases, ``exact`` their integer weights.

        None instead of ``exact``: another start of this backend has answered the exact cases on this problem. What
        is left is asked of the very layer that will be timed.
        """
        if exact is not None:
            self._check_exact(exact)
        self._check_reals(timed)

    def after(self, timed: Layer, on_device: OnDevice, last_result: Any, inputs: Inputs) -> None:
        """``on_device`` are the inputs of the timing, ``inputs`` the harness's arrays that they were made from."""
        cases = self._cases
        inputs.check_untouched()
        last = self._calls.read(last_result).copy()  # the next call may overwrite it
        self._check_device_copy_untouched(timed, on_device)
        self._check_close(cases.first, last, "in the last timed call")
        self._check_answers(timed, cases.second, "after the timing")
        self._check_close(cases.first, self._calls.compute(timed, on_device), "after the timing")
        self._check_sees_new_values(timed, on_device, inputs)

    # Two checks by time, which nothing else on the machine may disturb.

    def finishes(self, timed: Layer) -> None:
        """No work goes on when a call has returned; before the timing, which would queue thousands of them."""
        check_finished(self._calls, timed, self._cases.first.inputs)

    def recomputes(self, timed: Layer, on_device: OnDevice, seconds_per_call: float) -> None:
        """No answer is remembered; ``on_device`` as above."""
        check_recomputes(self._calls, timed, on_device, self._cases.first.inputs, seconds_per_call)

    # --- single checks --------------------------------------------------------------------------------------

    def _check_exact(self, layer: Layer) -> None:
        """Integers, the precision probe, NaN and infinity: all equal to the reference bit for bit.

        A reduced arithmetic is not asked the probe, which tells that it is one; the integers are exact in it too.
        """
        cases, bits = self._cases, PROBE_BITS[self._problem.dtype]
        for case, where in (
            (cases.integers, "on small integers"),
            (cases.probe, f"on the precision probe 1 + 2^-{bits}"),
            (cases.poisoned, "when the input holds NaN and infinity"),
            (cases.integers, "on the first input, asked again"),
        ):
            if case is cases.probe and self._backend.arithmetic != "own":
                continue
            inputs = Inputs(case.inputs)
            result = self._calls.compute(layer, self._calls.to_device(inputs))
            if not equal(plain(result), case.answer):
                self._refuse(cases.integer, case, result, where, self._comparison.rounds_to)
            inputs.check_untouched()
            self._previous_answer = case.answer

    def _check_reals(self, layer: Layer) -> None:
        """Two inputs in a row, each within the bound; a fresh result must survive the second call."""
        cases, calls = self._cases, self._calls
        first_result = calls.call(layer, calls.to_device(Inputs(cases.first.inputs)))
        first = calls.read(first_result).copy()
        self._check_close(cases.first, first, "on real numbers")
        self._check_answers(layer, cases.second, "on real numbers")
        if self._backend.output == "fresh" and not equal(calls.read(first_result), first):
            raise WrongAnswer('declares output "fresh", but a later call overwrites its result: declare "reused"')

    def _check_device_copy_untouched(self, layer: Layer, x: OnDevice) -> None:
        """The array that ``to_device`` made is the backend's own, and still it must not be written to."""
        first, calls = self._cases.first, self._calls
        if self._comparison.is_far(calls.compute(layer, x), first):
            fresh = calls.compute(layer, calls.to_device(Inputs(first.inputs)))
            if not self._comparison.is_far(fresh, first):
                raise WrongAnswer(
                    "changes its input: a repeated call on one array answers otherwise than on a fresh copy"
                )

    def _check_sees_new_values(self, layer: Layer, x: OnDevice, inputs: Inputs) -> None:
        """New values in the same array need a new answer: a cache keyed by the array's identity fails here."""
        first, second = self._cases.first, self._cases.second
        if any(its_own is not ours for its_own, ours in zip(x, inputs.arrays, strict=True)):
            return  # the backend holds a copy that the harness cannot reach
        if not self._comparison.is_far(second.answer, first):
            return  # tiny problems can have one answer to both inputs
        inputs.replace_by(second.inputs)
        result = self._calls.compute(layer, x)
        if not self._comparison.is_far(result, first):
            raise WrongAnswer("replays a cached answer: new values in the same array gave the answer to the old ones")
        self._check_close(second, result, "after new values in the same array")
        inputs.replace_by(first.inputs)

    # --- judging one answer ---------------------------------------------------------------------------------

    def _check_answers(self, layer: Layer, case: Case, where: str) -> None:
        """Call the layer with the inputs of ``case``: the result must be close, and the inputs as they were."""
        inputs = Inputs(case.inputs)
        self._check_close(case, self._calls.compute(layer, self._calls.to_device(inputs)), where)
        inputs.check_untouched()

    def _check_close(self, case: Case, result: Array, where: str) -> None:
        """Record the error over its bound, and refuse a result beyond it."""
        ratio = self._comparison.error(result, case)
        if ratio > 1:
            self.error_ratio = ratio
            self._refuse(
                self._cases.real, case, result, where, lambda a, b: not self._comparison.error_from(a, b, case) > 1
            )
        self.error_ratio = max(ratio, self.error_ratio or 0.0)
        self._previous_answer = case.answer

    def _refuse(self, weights: Weights, case: Case, result: Array, where: str, agree: Agree) -> NoReturn:
        mismatch = Mismatch(self._problem, weights, case, self._previous_answer)
        result = plain(result)
        reason = f"wrong {where}: {diagnose(mismatch, result, agree)}"
        if self.error_ratio is not None and self.error_ratio > 1:
            reason += f"; the error is {self.error_ratio:.3g} times what {self._comparison.rule} allows"
            if name := rounded_operands(mismatch, result, lambda a, b: self._comparison.error_from(a, b, case)):
                reason += f", and what {name} arithmetic gives"
        raise WrongAnswer(reason, self.error_ratio)
