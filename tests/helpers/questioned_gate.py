"""A gate with the respondent whose results it judges, in one process and without shared memory between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.gate import Declared, Gate
from pointwise_bench.suites.harness.verify.respondent import Respondent


class Told(dict[str, Any]):
    """Results by their names."""

    def write(self, name: str, array: Any) -> None:
        """A copy, as memory of the harness's holds it."""
        self[name] = np.array(array, order="C")


class QuestionedGate:
    """Asks and judges."""

    def __init__(self, backend: Backend, problem: Problem, cases: CaseSet) -> None:
        self.gate = Gate(problem, cases, Declared.by(backend))
        self.respondent = Respondent(backend, problem, cases.questions())
        self.told = Told()

    @property
    def error_ratio(self) -> float | None:
        """See :attr:`Gate.error_ratio`."""
        return self.gate.error_ratio

    def before(self, timed: Any, exact: Any) -> None:
        """See :meth:`Respondent.before` and :meth:`Gate.before`."""
        self.respondent.before(timed, exact, self.told)
        self.gate.before(self.told.__getitem__, whole=exact is not None)

    def after(self, timed: Any, on_device: Any, last_result: Any, inputs: Inputs) -> None:
        """See :meth:`Respondent.after` and :meth:`Gate.after`."""
        renewed, _ = self.respondent.after(timed, on_device, last_result, inputs, self.told)
        self.gate.after(self.told.__getitem__, renewed=renewed, last=None)

    def finishes(self, timed: Any) -> None:
        """See :meth:`Respondent.finishes`."""
        self.respondent.finishes(timed)

    def recomputes(self, timed: Any, on_device: Any, seconds_per_call: float) -> None:
        """See :meth:`Respondent.recomputes`."""
        self.respondent.recomputes(timed, on_device, seconds_per_call)
