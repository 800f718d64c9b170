"""An answer judged: what a backend's results on a problem must be, before and after the timing.

Judged on the harness's side, where the answers are and no plugin runs. Every check raises :class:`WrongAnswer` with a
sentence for the backend's author: what was asked, what is wrong with the answer, and where it can be told, which
mistake gives exactly that answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.harness.memory.guarded_arrays import same_bits
from pointwise_bench.suites.harness.memory.input_windows import Places, input_at
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.comparison import Comparison, equal, plain
from pointwise_bench.suites.harness.verify.diagnosis import Agree, Mismatch, diagnose, lost_value, rounded_operands
from pointwise_bench.suites.harness.verify.drawing import Case
from pointwise_bench.suites.harness.verify.error_bounds import PROBE_BITS
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.sampled_rows import SampledRows

Array = npt.NDArray[Any]
Results = Callable[[str], Array]
"""A result by its name in :mod:`questions`, as one array of the right shape and type."""

LAST_CALL: Final = "in the last timed call"
A_TIMED_CALL: Final = "in one of the timed calls"
ONE_OF_MANY: Final = "in one of many calls on one input"
READ_LATE: Final = "in a result that is read when its input has other values"
KEPT_BACK: Final = "keeps results of timed calls from being looked at"
SEEN_LATE: Final = (*(f"wrong {where}" for where in (LAST_CALL, A_TIMED_CALL, ONE_OF_MANY)), KEPT_BACK)
OVERWRITTEN: Final = 'declares output "fresh", but a later call overwrites its result: declare "reused"'


def was_right_before(reason: str) -> bool:
    """Whether somebody was refused for ``reason`` who had passed the gate: such a one may do so on other problems."""
    return any(words in reason for words in SEEN_LATE)


@dataclass(frozen=True)
class Declared:
    """What a backend's results are judged by of its declarations, as the harness keeps them since it was registered."""

    arithmetic: str = "own"
    output: str = "fresh"
    device: str = "cpu"

    @classmethod
    def by(cls, backend: Backend) -> Declared:
        """Those of ``backend``."""
        return cls(backend.arithmetic, backend.output, backend.device)


@dataclass(frozen=True)
class TimedCall:
    """The input of one of ``of_calls`` timed calls: a part of the block that was filled from ``places``.

    ``line``: from where on, and how often parts had been renewed by then, as :func:`input_windows.where` tells it.
    """

    places: Places
    line: int
    of_calls: int = 0


class Gate:
    """The checks of one backend's results on one problem."""

    def __init__(self, problem: Problem, cases: CaseSet, declared: Declared) -> None:
        self._problem = problem
        self._cases = cases
        self._declared = declared
        self._comparison = Comparison(problem, declared.arithmetic)
        self._previous_answer: Array | None = None
        self._kept: bytes | None = None  # a digest of the second result of all
        self.error_ratio: float | None = None
        """The largest error over what is allowed, of all results so far; None before the first."""

    # --- before and after the timing ------------------------------------------------------------------------

    def before(self, results: Results, *, whole: bool) -> None:
        """Those of both layers; without ``whole``, of the layer that will be timed.

        Another start of this backend has then met the exact cases on this problem.
        """
        with np.errstate(all="ignore"):  # a result may hold any bits
            if whole:
                self._check_exact(results)
            self._check_reals(results)

    def after(self, results: Results, *, renewed: bool, last: TimedCall | None, odd: bool = False) -> None:
        """``renewed``: whether the timed array could be given new values, which a copy on a device cannot.

        ``last``: the input of the last timed call; None where that was the first input. ``odd``: whether one of many
        results for the first input was not as the others.
        """
        first, second = self._cases.first, self._cases.second
        with np.errstate(all="ignore"):
            self._check_input_untouched(results)
            self._check_timed(results("last"), last, LAST_CALL)
            if self._kept is not None and _digest(results("second kept")) != self._kept:
                raise WrongAnswer(OVERWRITTEN)
            self._check_close(second, results("second"), "after the timing")
            self._check_close(first, results("fresh"), "after the timing")
            if odd:
                self._check_close(first, results("oddest"), ONE_OF_MANY)
            self._check_read_late(results)
            if renewed:
                self._check_sees_new_values(results("renewed"))

    def taken(self, result: Array, call: TimedCall | None) -> None:
        """A result of a turn, of which nobody could know that it would be looked at."""
        with np.errstate(all="ignore"):
            self._check_timed(result, call, A_TIMED_CALL)

    # --- single checks --------------------------------------------------------------------------------------

    def _check_exact(self, results: Results) -> None:
        """Integers, the precision probe, NaN and infinity: all equal to the reference bit for bit.

        A reduced arithmetic is not asked the probe, which tells that it is one; the integers are exact in it too.
        """
        cases, bits = self._cases, PROBE_BITS[self._problem.dtype]
        for name, case, where in (
            ("integers", cases.integers, "on small integers"),
            ("probe", cases.probe, f"on the precision probe 1 + 2^-{bits}"),
            ("poisoned", cases.poisoned, "when the input holds NaN and infinity"),
            ("integers again", cases.integers, "on the first input, asked again"),
        ):
            if name == "probe" and self._declared.arithmetic != "own":
                continue
            result = results(name)
            if not self._is_met(result, case):
                odd = name != "poisoned" and self._is_right_where_finite(result, case)
                place = "where a weight or the bias is NaN or infinite" if odd else where
                self._refuse(cases.integer, case, result, place, self._exactly(case))
            self._previous_answer = case.answer

    def _is_met(self, result: Array, case: Case) -> bool:
        """Bit for bit, but for the rounding of an activation that cannot be exact."""
        return equal(plain(result), case.answer) if case.allowed is None else not self._comparison.is_far(result, case)

    def _exactly(self, case: Case) -> Agree:
        """How to tell that a result is that of a mistake."""
        if case.allowed is None:
            return self._comparison.rounds_to
        return lambda a, b: not self._comparison.error_from(a, b, case) > 1

    def _is_right_where_finite(self, result: Array, case: Case) -> bool:
        finite = np.isfinite(case.answer)
        if case.allowed is not None:
            return bool(finite.any()) and bool((self._comparison.errors(result, case)[finite] <= 1).all())
        return bool(finite.any()) and equal(plain(result)[finite], case.answer[finite])

    def _check_reals(self, results: Results) -> None:
        """Two inputs in a row, each within the bound; a fresh result must survive the second call."""
        first, fresh = results("first"), self._declared.output == "fresh"
        self._check_close(self._cases.first, first, "on real numbers")
        second = results("second")
        self._check_close(self._cases.second, second, "on real numbers")
        if fresh and not same_bits(results("first kept"), first):
            raise WrongAnswer(OVERWRITTEN)
        self._kept = _digest(second) if fresh else None
        self._check_extreme(self._cases.faint, results("faint"), "among small numbers")
        self._check_extreme(self._cases.loud, results("loud"), "among large numbers, NaN and infinity")

    def _check_extreme(self, case: Case, result: Array, where: str) -> None:
        """Numbers of every size. The error is not recorded: what is allowed holds more than rounding."""
        if not self._comparison.is_far(result, case):
            return
        errors = self._comparison.errors(result, case)
        place = np.unravel_index(int(np.nan_to_num(errors, nan=np.inf).argmax()), errors.shape)
        got, expected = float(plain(result)[place]), float(case.answer[place])
        raise WrongAnswer(
            f"wrong {where}: {lost_value(got, expected)} (of {errors.size} elements {int((~(errors <= 1)).sum())}, "
            f"as at {[int(each) for each in place]}: got {got:.9g}, expected {expected:.9g})"
        )

    def _check_timed(self, result: Array, call: TimedCall | None, where: str) -> None:
        """What a timed call has returned: all of it where the answer is known, else rows of it."""
        if call is None:
            self._check_close(self._cases.first, result, where)
            return
        inputs = tuple(
            input_at(pool, each.shape, call.places, call.line, call.of_calls)
            for pool, each in zip(self._cases.pools, self._cases.first.inputs, strict=True)
        )
        sampled = SampledRows.drawn(self._problem, self._cases.real)
        case, rows = sampled.case(inputs), sampled.of(result)
        ratio = self._comparison.error(rows, case)
        if ratio > 1:
            self.error_ratio, self._problem, self._previous_answer = ratio, sampled.problem, None
            self._refuse(
                sampled.weights, case, rows, where, lambda a, b: not self._comparison.error_from(a, b, case) > 1
            )
        self.error_ratio = max(ratio, self.error_ratio or 0.0)

    def _check_input_untouched(self, results: Results) -> None:
        """The array that ``to_device`` made is the backend's own, and still it must not be written to."""
        first, far = self._cases.first, self._comparison.is_far
        if far(results("repeated"), first) and not far(results("fresh"), first):
            raise WrongAnswer("changes its input: a repeated call on one array answers otherwise than on a fresh copy")

    def _check_read_late(self, results: Results) -> None:
        """A result that is read when its input has other values must be of the old ones: it was there when it returned.

        Seen by its bits as a rule: that "repeated" is right was seen above.
        """
        late = results("read late")
        if not same_bits(late, results("repeated")):
            self._check_close(self._cases.first, late, READ_LATE)

    def _check_sees_new_values(self, result: Array) -> None:
        """New values in the same array need a new answer: a cache keyed by the array's identity fails here."""
        first, second = self._cases.first, self._cases.second
        if not self._comparison.is_far(second.answer, first):
            return  # tiny problems can have one answer to both inputs
        if not self._comparison.is_far(result, first):
            raise WrongAnswer("replays a cached answer: new values in the same array gave the answer to the old ones")
        self._check_close(second, result, "after new values in the same array")

    # --- judging one answer ---------------------------------------------------------------------------------

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


def _digest(result: Array) -> bytes:
    """Of its bytes, to know them again: results themselves would fill the memory, one for each backend."""
    flat = np.ascontiguousarray(result).reshape(-1)
    return blake2b(flat.view(np.uint8).data, digest_size=16).digest()
