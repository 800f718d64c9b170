"""The worker's side of the gate: questions asked of a backend's layers, and their results handed to the harness.

It is not told what is right. What it finds itself is what the harness cannot see from outside: an input that was
written to, a result of another form, work where no clock runs.
"""

from __future__ import annotations

from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from pointwise_bench import Backend, Layer, Problem
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs, OnDevice, same_bits
from pointwise_bench.suites.harness.verify.first_readings import check_reads
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls, copies_of
from pointwise_bench.suites.harness.verify.questions import EXACT, Questions
from pointwise_bench.suites.harness.verify.recomputation import check_brings, check_finished, check_recomputes

Array = npt.NDArray[Any]

# Bound before any plugin is loaded, which could change the policy's own fields later.
MOST_AUDITED: Final = POLICY.gate.most_audited


class Taking(Protocol):
    """Whatever takes results: memory of the harness's."""

    def write(self, name: str, array: Array) -> None:
        """The result called ``name``."""


class Respondent:
    """Answers for one backend on one problem."""

    def __init__(self, backend: Backend, problem: Problem, questions: Questions, device: str | None = None) -> None:
        """``device``: see :class:`LayerCalls`."""
        self._calls = LayerCalls(backend, problem, device)
        self._questions = questions
        self._second_result: Any = None  # kept through the timing: what is new memory stays as it is
        self._exact = [each for each in EXACT if each != "probe" or backend.arithmetic == "own"]

    def before(self, timed: Layer, exact: Layer | None, results: Taking) -> None:
        """``timed`` has the real weights of the questions, ``exact`` their integer weights; None: it is not asked."""
        asked, calls = self._questions, self._calls
        if exact is not None:
            inputs = {"probe": asked.probe, "poisoned": asked.poisoned}
            with np.errstate(all="ignore"):  # infinity times zero is the point of it
                for name in self._exact:
                    self._answer(exact, name, inputs.get(name, asked.integers), results)
        first_result = self._answer(timed, "first", asked.first, results)
        self._second_result = self._answer(timed, "second", asked.second, results)
        results.write("first kept", calls.read(first_result))
        calls.check_is_view(first_result)
        with np.errstate(all="ignore"):  # overflow is the point of it
            self._answer(timed, "faint", asked.faint, results)
            self._answer(timed, "loud", asked.loud, results)

    def read(self, result: Any) -> Array:
        """What the last timed call has returned."""
        return self._calls.read(result)

    def read_copied(self, copied: Any, result: Any) -> Array:
        """See :meth:`LayerCalls.read_copied`."""
        return self._calls.read_copied(copied, result)

    def after(
        self,
        timed: Layer,
        on_device: OnDevice,
        last_result: Any,
        inputs: Inputs,
        results: Taking,
        audit_s: float = 0.0,
        most_audited: int = MOST_AUDITED,
    ) -> tuple[bool, bool]:
        """``on_device`` are the inputs of the timing, ``inputs`` the harness's arrays that they were made from.

        Whether the array could be given new values, and what :meth:`_audit` says.
        """
        asked, calls = self._questions, self._calls
        inputs.check_untouched()
        # Now: the next call may overwrite it. It was timed, so that nothing may be put right in reading it.
        results.write("last", self.read_copied(copies_of(last_result), last_result))
        if self._second_result is not None:
            results.write("second kept", calls.read(self._second_result))
        self._second_result = None
        usual = np.array(calls.compute(timed, on_device))
        results.write("repeated", usual)
        self._answer(timed, "second", asked.second, results)
        self._answer(timed, "fresh", asked.first, results)
        results.write("read late", self._read_late(timed, on_device, inputs))
        # Otherwise the backend holds a copy that the harness cannot reach.
        renewed = all(its_own is ours for its_own, ours in zip(on_device, inputs.arrays, strict=True))
        if renewed:
            inputs.replace_by(asked.second)
            results.write("renewed", calls.compute(timed, on_device))
            inputs.replace_by(asked.first)
        return renewed, self._audit(timed, on_device, usual, audit_s, most_audited, results)

    def _read_late(self, timed: Layer, on_device: OnDevice, inputs: Inputs) -> Array:
        """A result for the first input, read when that has the values of the second: who computes then, computes those.

        Whoever took a copy of its input beforehand did so on the clock.
        """
        result = self._calls.call(timed, on_device)
        inputs.replace_by(self._questions.second)
        late = np.array(self._calls.read(result))
        inputs.replace_by(self._questions.first)
        return late

    def _audit(
        self, timed: Layer, on_device: OnDevice, usual: Array, most_s: float, most: int, results: Taking
    ) -> bool:
        """Call on one input for ``most_s`` seconds: whether some result is not as ``usual``; hand over the farthest.

        For a layer that answers wrongly once in hundreds of calls. It is searched for here, where comparing costs no
        copy out of the process, and judged by the harness, which knows how far correct results may differ.
        """
        oddest, farthest, began = None, 0.0, perf_counter()
        for _ in range(most):
            if perf_counter() - began >= most_s:
                break
            result = self._calls.compute(timed, on_device)
            if not same_bits(result, usual) and not (far := distance(result, usual)) <= farthest:
                oddest, farthest = np.array(result), far
        if oddest is not None:
            results.write("oddest", oddest)
        return oddest is not None

    # Two checks by time, which nothing else on the machine may disturb.

    def finishes(self, timed: Layer) -> None:
        """No work goes on where no clock runs; before the timing, which would queue thousands of unfinished calls."""
        check_brings(self._calls, self._questions.first)
        check_finished(self._calls, timed, self._questions.first)
        check_reads(self._calls, timed, self._questions.first)

    def recomputes(self, timed: Layer, on_device: OnDevice, seconds_per_call: float) -> None:
        """No answer is remembered; ``on_device`` as above."""
        check_recomputes(self._calls, timed, on_device, self._questions.first, seconds_per_call)

    def _answer(self, layer: Layer, name: str, asked: tuple[Array, ...], results: Taking) -> Any:
        """Hand over the result for a fresh copy of ``asked``, which must be afterwards as it was; the result itself."""
        inputs = Inputs(asked)
        result = self._calls.call(layer, self._calls.to_device(inputs))
        results.write(name, self._calls.read(result))
        inputs.check_untouched()
        return result


def distance(result: Array, usual: Array) -> float:
    """The largest difference; infinite where one is a number and the other is none."""
    with np.errstate(all="ignore"):
        largest = float(np.abs(result.astype(np.float64) - usual.astype(np.float64)).max(initial=0.0))
    return largest if largest == largest else float("inf")  # noqa: PLR0124  # NaN alone differs from itself
