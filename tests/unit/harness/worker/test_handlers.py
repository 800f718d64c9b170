"""What a worker does for each message, with a timed layer that notes what it was asked."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory.committed_result import commit, committed
from pointwise_bench.suites.harness.memory.result_memory import ResultMemory
from pointwise_bench.suites.harness.memory.shared_arrays import read_block, write_block
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.looks import Taken
from pointwise_bench.suites.harness.timing.timed_layer import AnsweredAgain, Closed, Prepared, WarmUp
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.questions import AFTER, BEFORE, Questions, result_shape
from pointwise_bench.suites.harness.worker import client, in_process
from pointwise_bench.suites.harness.worker.handlers import HANDLERS

PROBLEM = Problem(batch=1, in_channels=3, out_channels=2, height=2, width=2, bias=True)


class Noted:
    """A timed layer that answers with fixed numbers and keeps what it was called with."""

    threads = 2

    def __init__(self, **answers: Any) -> None:
        self.asked: list[Any] = []
        self.taken: Taken | None = None
        self.backend = SimpleNamespace(
            missing=lambda: answers.get("missing"),
            refuses=lambda problem: self.asked.append(problem) or answers.get("refuses"),  # type: ignore[func-returns-value]  # and goes on
            ran=lambda: answers.get("ran"),
        )

    def set_up(self, problem: Problem, questions: Questions, results: Any, cache: str, *, whole: bool) -> Prepared:
        """Half a second to prepare, and one result."""
        self.asked += [problem, questions, cache, whole]
        results.write("first", np.full(result_shape(problem), 3.0, np.float32))
        return Prepared(0.5, 0.25)

    def warm_up(self) -> WarmUp:
        """An eighth of a second."""
        return WarmUp(0.125, 1.0)

    def device_time(self, calls: int, cores: list[int] | None) -> float:
        """A microsecond for each call."""
        self.asked += [calls, cores]
        return calls * 1e-6

    def answer_again(self, results: Any, thorough_s: float | None) -> AnsweredAgain:
        """One result, and no new values."""
        self.asked += [thorough_s]
        results.write("last", np.full(result_shape(PROBLEM), 5.0, np.float32))
        return AnsweredAgain(False, 7)

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, places: tuple[int, int]) -> Turn:
        """A microsecond."""
        self.asked += [calls, warm_s, cores, places]
        return Turn(1e-6, 1.0, 3e-6, None)

    def hand_over(self) -> Taken | None:
        """What a test has put there."""
        taken, self.taken = self.taken, None
        return taken

    def idle(self, settled_s: float) -> float:
        """What it was given, to be recognised."""
        return settled_s

    def close(self) -> Closed:
        """A page."""
        return Closed(4096)

    def apply(self, problem: Problem, weights: Any, x: Any) -> Any:
        """The weights' first row, added to the input."""
        self.asked += [problem, weights]
        return x + weights.weight[0, 0]


def handled(layer: Noted, descriptors: list[int] | None = None, **message: Any) -> Any:
    """The value of the answer, to which nothing is attached."""
    reply, attached = HANDLERS[message["do"]](layer, message, descriptors or [])  # type: ignore[arg-type]  # as a timed layer
    assert attached == ()
    return reply["value"]


def test_numbers_come_back_by_their_names() -> None:
    layer = Noted()
    assert handled(layer, do="turn", calls=3, warm_s=0.5, cores=[1], places=[5, 6]) == {
        "seconds_per_call": 1e-6,
        "cpu_over_wall": 1.0,
        "wall_s": 3e-6,
        "device_seconds_per_call": None,
        "page_faults": None,
        "untimed_s": 0.0,
        "taken_line": None,
        "salt": 0,
        "apart_s": 0.0,
    }
    assert layer.asked == [3, 0.5, [1], [5, 6]]
    assert handled(layer, do="warm_up") == {"seconds_per_call": 0.125, "cpu_over_wall": 1.0}
    assert handled(layer, do="finish") == {"peak_rss_bytes": 4096}
    assert handled(layer, do="idle", settled_s=0.75) == 0.75


def memory(names: tuple[str, ...]) -> ResultMemory:
    return ResultMemory.made(names, result_shape(PROBLEM), PROBLEM.dtype)


def test_the_questions_arrive_as_they_were_written_and_results_come_back_in_the_harness_memory() -> None:
    layer, asked = Noted(), CaseSet.of(PROBLEM, seed=1).questions()
    with memory(BEFORE) as results:
        given = [asked.to_block(), os.dup(results.descriptor)]
        answer = handled(layer, given, do="set_up", problem=PROBLEM.id, cache="cold", whole=False)
        assert (results.read("first") == 3).all()
    assert answer == {"prepare_s": 0.5, "first_call_s": 0.25}
    problem, arrived, cache, whole = layer.asked
    assert (problem, cache, whole) == (PROBLEM, "cold", False)
    assert np.array_equal(arrived.first[0], asked.first[0])
    with memory(AFTER) as results:
        told = handled(layer, [os.dup(results.descriptor)], do="check_answers", problem=PROBLEM.id, thorough_s=1.5)
        assert told == {"renewed": False, "last_line": 7, "odd": False}
        assert (results.read("last") == 5).all()
    assert layer.asked[-1] == 1.5


def test_a_result_that_was_taken_is_attached_to_its_turn() -> None:
    layer, message = Noted(), {"do": "turn", "calls": 3, "warm_s": 0.0, "cores": None, "places": [1, 2]}
    reply, attached = HANDLERS["turn"](layer, message, [])  # type: ignore[arg-type]  # as a timed layer
    assert (reply["value"]["taken_line"], attached) == (None, ())
    result = np.full(result_shape(PROBLEM), 6.0, np.float32)
    layer.taken = Taken(commit(result), 17)
    reply, (taken,) = HANDLERS["turn"](layer, message, [])  # type: ignore[arg-type]  # as a timed layer
    assert reply["value"]["taken_line"] == 17
    assert np.array_equal(committed(taken, result.shape, PROBLEM.dtype), result)
    os.close(taken)


@pytest.mark.parametrize("bias", [None, np.ones(2, np.float32)])
def test_a_result_is_attached_as_a_block(bias: Any) -> None:
    x, weight = np.ones((1, 3, 2, 2), np.float32), np.full((2, 3), 5.0, np.float32)
    arrays = {"x": x, "weight": weight} | ({} if bias is None else {"bias": bias})
    layer = Noted()
    message = {"do": "apply", "problem": PROBLEM.id}
    reply, (block,) = HANDLERS["apply"](layer, message, [write_block(arrays)])  # type: ignore[arg-type]  # as a timed layer
    assert reply == {"value": None}
    assert read_block(block)["result"].tolist() == (x + 5).tolist()
    _, weights = layer.asked
    assert (weights.bias is None) == (bias is None)


@pytest.mark.parametrize("do", ["missing", "refuses", "ran"])
@pytest.mark.parametrize(
    ("answer", "sentence"), [(None, None), ("too small", "too small"), ("two\nlines\x1b[31m", "two lines [31m")]
)
def test_a_backends_sentence_is_one_line_or_none(do: str, answer: Any, sentence: str | None) -> None:
    assert handled(Noted(**{do: answer}), do=do, problem=PROBLEM.id) == sentence


class LoudStr(str):
    """A text whose own methods are not to be trusted."""

    __slots__ = ()

    def __str__(self) -> str:
        raise SystemExit(1)


def test_a_text_of_a_class_of_its_own_is_read_as_plain_text() -> None:
    assert handled(Noted(missing=LoudStr("no licence")), do="missing") == "no licence"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (5, "missing() returned int 5, which is neither a sentence nor None"),
        (b"x", "missing() returned bytes b'x', which is neither"),
        (False, "missing() returned bool False, which is neither"),
        ("", "missing() returned str '', which is neither"),
        (" \n ", "which is neither a sentence nor None"),
    ],
)
def test_what_is_no_sentence_is_an_error_that_shows_it(answer: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        handled(Noted(missing=answer), do="missing")
    assert words in str(caught.value)


def test_the_time_by_the_devices_clock_is_asked_for_by_itself() -> None:
    layer = Noted()
    assert handled(layer, do="device_time", calls=3, cores=[1]) == 3e-6
    assert layer.asked == [3, [1]]


def test_loaded_libraries_are_told() -> None:
    for library in handled(Noted(), do="libraries"):
        assert library.keys() == {"internal_api", "version", "architecture", "threading_layer", "num_threads"}


def test_every_message_of_the_clients_has_a_handler_and_no_other() -> None:
    """Both clients answer the same requests: a method that is missing in one is a request that nobody can make.

    The device's time is asked for within a turn.
    """
    requests = {name for name in vars(client.WorkerClient) if not name.startswith("_")} - {
        "kill",
        "leave",
        "pid",
        "isolation",
    }
    assert requests == HANDLERS.keys() - {"device_time"}
    assert requests <= vars(in_process.InProcessClient).keys()


def test_descriptors_are_closed_once_they_are_used() -> None:
    with memory(BEFORE) as results:
        given = [CaseSet.of(PROBLEM, seed=1).questions().to_block(), os.dup(results.descriptor)]
        handled(Noted(), given, do="set_up", problem=PROBLEM.id, cache="hot", whole=True)
    for descriptor in given:
        with pytest.raises(OSError):
            os.fstat(descriptor)
