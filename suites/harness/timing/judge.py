"""The harness's side of a timed layer: results asked for, read out of its own memory, judged where no plugin runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from secrets import randbits

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory.committed_result import committed
from pointwise_bench.suites.harness.memory.input_windows import Places, moved
from pointwise_bench.suites.harness.memory.result_memory import ResultMemory
from pointwise_bench.suites.harness.timing.timed_layer import AnsweredAgain, Prepared
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.gate import Declared, Gate, TimedCall
from pointwise_bench.suites.harness.verify.questions import AFTER, BEFORE, result_shape


@dataclass(frozen=True)
class SetUp:
    """What is known of a backend on one problem once its answers have passed the gate."""

    prepare_s: float
    first_call_s: float
    error_ratio: float | None


@dataclass(frozen=True)
class Finish:
    """What is known once the timing is over and the gate has been passed again."""

    error_ratio: float | None
    peak_rss_bytes: int


class Judge:
    """What one backend answers on one problem is asked for and judged.

    Whoever asks the layer is passed in, with the memory that is to be filled: another process, or this one.
    """

    def __init__(self, problem: Problem, cases: CaseSet, declared: Declared) -> None:
        self.problem = problem
        self._gate = Gate(problem, cases, declared)
        self.places: Places = (0, 0)
        """Where the values of the last turn came from."""
        self._calls = 0  # of the last turn
        self.answers_well = False
        """Whether it has been judged after the timing."""

    def set_up(self, ask: Callable[[ResultMemory], Prepared], *, whole: bool) -> SetUp:
        """See :meth:`Gate.before`."""
        with self._memory(BEFORE) as results:
            prepared = ask(results)
            self._gate.before(results.read, whole=whole)
        return SetUp(prepared.prepare_s, prepared.first_call_s, self._gate.error_ratio)

    def new_places(self, calls: int) -> Places:
        """Where the values of the next turn, of so many calls, are to come from, which nobody knows before."""
        self._calls = calls
        self.places = (randbits(62), randbits(62))
        return self.places

    def note_filling(self, salt: int) -> None:
        """By what the worker has moved these places: see :meth:`InputRotation.fill`."""
        self.places = moved(self.places, salt)

    def look(self, taken: int, line: int | None) -> None:
        """See :meth:`Gate.taken`: a result of the last turn by its descriptor, and where its input began."""
        result = committed(taken, result_shape(self.problem), self.problem.dtype)
        self._gate.taken(result, self._last(line))

    def check_answers(self, ask: Callable[[ResultMemory], AnsweredAgain]) -> None:
        """See :meth:`Gate.after`."""
        with self._memory(AFTER) as results:
            answered = ask(results)
            last = self._last(answered.last_line)
            self._gate.after(results.read, renewed=answered.renewed, last=last, odd=answered.odd)
        self.answers_well = True

    def finish(self, peak_rss_bytes: int) -> Finish:
        """The largest error of all, and the memory that the layer's process had."""
        return Finish(self._gate.error_ratio, peak_rss_bytes)

    def _last(self, line: int | None) -> TimedCall | None:
        return None if line is None else TimedCall(self.places, line, self._calls)

    def _memory(self, names: tuple[str, ...]) -> ResultMemory:
        return ResultMemory.made(names, result_shape(self.problem), self.problem.dtype)
