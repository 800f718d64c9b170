"""The harness's side of a timed layer: memory made, filled by somebody else, read, judged and let go of."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from scripted_backend import CASES, PROBLEM

from pointwise_bench.suites.harness.memory.committed_result import commit
from pointwise_bench.suites.harness.memory.input_windows import LINES, content, window
from pointwise_bench.suites.harness.memory.result_memory import ResultMemory, ResultsLost
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.judge import Finish, Judge, SetUp
from pointwise_bench.suites.harness.timing.timed_layer import AnsweredAgain, Prepared
from pointwise_bench.suites.harness.verify.gate import Declared

ANSWERS = {
    "integers": CASES.integers, "probe": CASES.probe, "poisoned": CASES.poisoned, "integers again": CASES.integers,
    "first": CASES.first, "second": CASES.second, "first kept": CASES.first,
    "faint": CASES.faint, "loud": CASES.loud, "last": CASES.first,
    "second kept": CASES.second, "repeated": CASES.first, "fresh": CASES.first, "oddest": CASES.first,
    "read late": CASES.first, "renewed": CASES.second,
}  # fmt: skip


class Filler:
    """Whoever fills the memory: all right answers, or another in the place called ``wrong``."""

    def __init__(self, *names: str, wrong: str = "") -> None:
        self.names = names
        self.wrong = wrong
        self.last_line: int | None = None
        self.descriptors: list[int] = []

    def fill(self, results: ResultMemory) -> None:
        """Every result that it was made for."""
        self.descriptors.append(results.descriptor)
        for name in self.names:
            answer = ANSWERS[name].answer.astype(np.float32)
            results.write(name, np.maximum(answer, 1) if name == self.wrong else answer)

    def set_up(self, results: ResultMemory) -> Prepared:
        """Half a second."""
        self.fill(results)
        return Prepared(0.5, 0.25)

    def answer_again(self, results: ResultMemory) -> AnsweredAgain:
        """All of them."""
        self.fill(results)
        return AnsweredAgain("renewed" in self.names, self.last_line, "oddest" in self.names)


BEFORE = ("integers", "probe", "poisoned", "integers again", "first", "second", "first kept", "faint", "loud")
AFTER = ("last", "second kept", "repeated", "second", "fresh", "oddest", "read late", "renewed")


def judge(**declared: Any) -> Judge:
    return Judge(PROBLEM, CASES, Declared(**declared))


def test_right_answers_pass_and_the_memory_is_let_go_of() -> None:
    one, filler = judge(), Filler(*BEFORE)
    set_up = one.set_up(filler.set_up, whole=True)
    assert (set_up.prepare_s, set_up.first_call_s) == (0.5, 0.25)
    assert isinstance(set_up, SetUp)
    assert set_up.error_ratio is not None
    assert 0 <= set_up.error_ratio < 1
    judged_before = one.answers_well
    after = Filler(*AFTER)
    one.check_answers(after.answer_again)
    assert (judged_before, one.answers_well) == (False, True)
    assert one.finish(4096) == Finish(one.finish(0).error_ratio, 4096)
    for descriptor in {*filler.descriptors, *after.descriptors}:
        with pytest.raises(OSError):
            os.fstat(descriptor)


@pytest.mark.parametrize("wrong", BEFORE)
def test_each_result_before_the_timing_is_looked_at(wrong: str) -> None:
    with pytest.raises(WrongAnswer):
        judge().set_up(Filler(*BEFORE, wrong=wrong).set_up, whole=True)


@pytest.mark.parametrize("wrong", AFTER)
def test_each_result_after_the_timing_is_looked_at(wrong: str) -> None:
    one = judge()
    one.set_up(Filler(*BEFORE).set_up, whole=True)
    with pytest.raises(WrongAnswer):
        one.check_answers(Filler(*AFTER, wrong=wrong).answer_again)
    assert not one.answers_well


@pytest.mark.parametrize("missing", BEFORE)
def test_a_result_that_nobody_has_written_is_zeros_and_so_is_wrong(missing: str) -> None:
    filler = Filler(*(name for name in BEFORE if name != missing))
    with pytest.raises(WrongAnswer):
        judge().set_up(filler.set_up, whole=True)


def test_what_is_not_asked_is_not_judged() -> None:
    judge().set_up(Filler("first", "second", "first kept", "faint", "loud").set_up, whole=False)
    judge(output="reused").set_up(Filler("first", "second", "faint", "loud").set_up, whole=False)
    judge(arithmetic="tf32").set_up(Filler(*(name for name in BEFORE if name != "probe")).set_up, whole=True)
    one = judge(output="reused")
    one.set_up(Filler("first", "second", "faint", "loud").set_up, whole=False)
    one.check_answers(Filler("last", "repeated", "second", "fresh", "read late").answer_again)


def test_the_memory_is_let_go_of_when_asking_fails() -> None:
    descriptors: list[int] = []

    def fail(results: ResultMemory) -> Prepared:
        descriptors.append(results.descriptor)
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        judge().set_up(fail, whole=True)
    with pytest.raises(OSError):
        os.fstat(descriptors[0])


@pytest.mark.parametrize("line", [0, 17, LINES])
def test_the_last_timed_result_is_held_against_the_input_that_it_had(line: int) -> None:
    """By the places that the judge named for that turn, and the line that the worker tells."""
    one = judge()
    one.set_up(Filler(*BEFORE).set_up, whole=True)
    earlier, places = one.new_places(5), one.new_places(5)
    assert earlier != places
    for of, is_right in ((places, True), (earlier, False)):
        x = window(content(CASES.pools[0], of), PROBLEM.input_shape, line)
        assert CASES.real.weight is not None
        y = np.matmul(CASES.real.weight, x.reshape(1, 8, -1)).reshape(PROBLEM.output_shape)
        after = Filler(*AFTER)
        after.last_line = line

        def ask(results: ResultMemory, after: Filler = after, y: Any = y) -> AnsweredAgain:
            answered = after.answer_again(results)
            results.write("last", y)
            return answered

        if is_right:
            one.check_answers(ask)
            continue
        with pytest.raises(WrongAnswer, match="wrong in the last timed call"):
            one.check_answers(ask)


def test_a_result_of_a_turn_is_looked_at_by_its_bytes() -> None:
    one = judge()
    one.set_up(Filler(*BEFORE).set_up, whole=True)
    right = ANSWERS["first"].answer.astype(np.float32)
    for result, fault in (
        (right, None),
        (np.maximum(right, 1), "wrong in one of the timed calls"),
        (right[:, 1:], "bytes instead of"),
    ):
        taken = commit(result)
        try:
            with nullcontext() if fault is None else pytest.raises((WrongAnswer, ResultsLost), match=fault):
                one.look(taken, None)
        finally:
            os.close(taken)
