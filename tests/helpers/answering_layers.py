"""Layers that answer a gate out of a table, wrong at one call each, on cases whose bounds are round numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from questioned_gate import QuestionedGate
from scripted_backend import CASES as EXACT_CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.verify import respondent as respondent_module
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.drawing import Case

Alter = Callable[[Any, int], Any]


def with_round_bounds(case: Case, allowed: float = 1.0) -> Case:
    """Answers that the problem's dtype can hold, and the same error allowed at every place."""
    answer = np.rint(case.answer)
    return replace(case, answer=answer, allowed=np.full(answer.shape, allowed, np.float32))


CASES = replace(EXACT_CASES, first=with_round_bounds(EXACT_CASES.first), second=with_round_bounds(EXACT_CASES.second))


@dataclass
class Asked:
    """What the checks by time were asked for."""

    finished: list[tuple[Any, ...]]
    recomputes: list[tuple[Any, ...]]


def without_checks_by_time(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Put what notes its arguments in the place of both."""
    calls = Asked([], [])
    monkeypatch.setattr(respondent_module, "check_finished", lambda *given: calls.finished.append(given))
    monkeypatch.setattr(respondent_module, "check_recomputes", lambda *given: calls.recomputes.append(given))
    return calls


class Answering:
    """A layer that knows the answer to every case, and changes what it returns as ``alter(answer, call)`` says."""

    def __init__(self, alter: Alter = lambda answer, call: answer, cases: CaseSet = CASES) -> None:
        self.alter = alter
        self.calls = 0
        known = (cases.first, cases.second, cases.faint, cases.loud, cases.integers, cases.probe, cases.poisoned)
        self.answers = {case.inputs[0].tobytes(): case.answer for case in known}

    def __call__(self, x: Any) -> Any:
        """The answer to the case whose input this is."""
        self.calls += 1
        return self.alter(self.answers[x.tobytes()].astype(x.dtype), self.calls)


def off_by(error: float, *calls: int) -> Alter:
    """One element of the results of ``calls`` off by ``error``; of all of them where none is named."""

    def alter(answer: Any, call: int) -> Any:
        if not calls or call in calls:
            answer.flat[5] += error
        return answer

    return alter


def gate_of(cases: CaseSet = CASES, **declared: Any) -> QuestionedGate:
    backend = Scripted(lambda call: None)
    for name, value in declared.items():
        setattr(backend, name, value)
    return QuestionedGate(backend, PROBLEM, cases)


def finish(gate: QuestionedGate, layer: Any, last: Any = None, cases: CaseSet = CASES) -> Inputs:
    """The checks after the timing, of a layer whose last timed call returned ``last`` (the right answer if None)."""
    inputs = Inputs(cases.first.inputs)
    right = cases.first.answer.astype(np.float32)
    gate.after(layer, inputs.arrays, right if last is None else last, inputs)
    gate.recomputes(layer, inputs.arrays, seconds_per_call=0.5)
    return inputs


class Writing(Answering):
    """Writes to its input, once it has been read, at one call: read-only stops nobody who is determined."""

    def __init__(self, at_call: int) -> None:
        super().__init__()
        self.at_call = at_call

    def __call__(self, x: Any) -> Any:
        """The right answer; at its call, the input is another one afterwards."""
        result = super().__call__(x)
        if self.calls == self.at_call:
            x.flags.writeable = True
            x.flat[0] = 77  # which no case holds; some hold NaN, to which nothing can be added
        return result


class Reusing(Answering):
    """Writes every result to one buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = np.zeros(PROBLEM.output_shape, np.float32)

    def __call__(self, x: Any) -> Any:
        """The right answer, in the one buffer."""
        self.buffer[...] = super().__call__(x)
        return self.buffer
