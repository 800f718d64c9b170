"""A timed layer with its judge in one process, which isolates neither: for debuggers, profilers and tests."""

from __future__ import annotations

import os
from dataclasses import replace
from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import Final

from pointwise_bench import Backend, Problem
from pointwise_bench.common.formats import Cache
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, Judge, SetUp
from pointwise_bench.suites.harness.timing.timed_layer import TimedLayer, WarmUp
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.gate import Declared

THOROUGH_S: Final = POLICY.gate.thorough_s  # bound before any plugin is loaded


class JudgedLayer:
    """The steps of a backend on one problem: ``set_up``, ``warm_up``, turns, ``check_answers``, ``finish``.

    ``WrongAnswer`` from whichever step finds it, anything else from the backend.
    """

    def __init__(self, backend: Backend, threads: int) -> None:
        self.timed = TimedLayer(backend, threads)
        self.backend = backend
        self._judge: Judge | None = None

    def set_up(self, problem: Problem, cases: CaseSet, cache: Cache = "hot", *, whole: bool = True) -> SetUp:
        """See :meth:`TimedLayer.set_up`."""
        self._judge = judge = Judge(problem, cases, Declared.by(self.backend))
        questions = cases.questions()
        return judge.set_up(
            lambda results: self.timed.set_up(problem, questions, results, cache, whole=whole), whole=whole
        )

    def warm_up(self) -> WarmUp:
        """See :meth:`TimedLayer.warm_up`."""
        return self.timed.warm_up()

    def turn(self, calls: int, warm_s: float, cores: list[int] | None = None) -> Turn:
        """See :meth:`TimedLayer.turn`; before it :meth:`TimedLayer.device_time`."""
        judge, began = self._judge_now(), perf_counter()
        device_s = self.timed.device_time(calls, cores)
        before_s = perf_counter() - began
        turn = self.timed.turn(calls, warm_s, cores, judge.new_places(calls))
        answered_at = perf_counter()
        judge.note_filling(turn.salt)
        if (taken := self.timed.hand_over()) is not None:
            try:
                judge.look(*taken)
            finally:
                os.close(taken.descriptor)
        apart_s = before_s + perf_counter() - answered_at
        return replace(turn, device_seconds_per_call=device_s, apart_s=apart_s)

    def check_answers(self, *, thorough: bool = False) -> None:
        """See :meth:`TimedLayer.answer_again`; ``thorough``: by many calls."""
        thorough_s = THOROUGH_S if thorough else None
        self._judge_now().check_answers(lambda results: self.timed.answer_again(results, thorough_s))

    def finish(self) -> Finish:
        """See :meth:`TimedLayer.close`; before it what :meth:`check_answers` asks, unless that was asked."""
        judge = self._judge_now()
        if not judge.answers_well:
            self.check_answers()
        peak_rss_bytes = self.timed.close().peak_rss_bytes
        self._judge = None
        return judge.finish(peak_rss_bytes)

    def _judge_now(self) -> Judge:
        if self._judge is None:
            raise RuntimeError("set_up comes first")
        return self._judge
