"""The client of a backend in this process: what it passes on, and what becomes of exceptions."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Backend, Problem
from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.record.ended import Ended, WrongAnswer
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases
from pointwise_bench.suites.harness.worker.in_process import InProcessClient, look_at_failures

PROBLEM = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
ANY_TIME_S = 1e-9  # no time-out is kept in this process


class Right(Backend):
    """Correct."""

    name = "right"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """A product."""
        pixels = problem.height * problem.width
        return lambda x: np.matmul(weight, x.reshape(1, -1, pixels)).reshape(problem.output_shape)

    def ran(self) -> str:
        """What a log would say."""
        return "a kernel"


class Zeros(Right):
    """Wrong."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Nothing is computed."""
        return lambda x: np.zeros(problem.output_shape, np.float32)


class Interrupted(Right):
    """The user presses Ctrl-C in every method."""

    def missing(self) -> str | None:
        """Not today."""
        raise KeyboardInterrupt


class Breaks(Right):
    """Fails in every method."""

    def missing(self) -> str | None:
        """A mistake of its author's."""
        raise ValueError("a slip")

    def refuses(self, problem: Problem) -> str | None:
        """As above."""
        raise MemoryError

    def ran(self) -> str:
        """As above."""
        raise ValueError("a slip")

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """As above."""
        raise ValueError("a slip")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Backend]], InProcessClient]:
    def make(backend: type[Backend]) -> InProcessClient:
        monkeypatch.setattr(registry, "get", lambda name: backend())
        return InProcessClient("any", threads=1)

    return make


@pytest.fixture
def cases() -> SharedCases:
    return SharedCases(PROBLEM, CaseSet.of(PROBLEM, seed=1))


def test_a_correct_backend_is_set_up_timed_and_finished(
    client: Callable[[type[Backend]], InProcessClient], cases: SharedCases
) -> None:
    made = client(Right)
    assert made.isolation == "in-process"
    assert made.missing(ANY_TIME_S) is made.refuses(PROBLEM, ANY_TIME_S) is None
    set_up = made.set_up(cases, ANY_TIME_S)
    assert set_up.error_ratio is not None
    assert 0 <= set_up.error_ratio <= 1
    turn = made.turn(4, 0.0, None, ANY_TIME_S)
    assert turn.wall_s == pytest.approx(4 * turn.seconds_per_call)
    assert made.finish(ANY_TIME_S).peak_rss_bytes > 0
    assert made.ran(ANY_TIME_S) == "a kernel"
    assert made.idle(0.0, ANY_TIME_S) >= 0
    assert made.time_sequence([(PROBLEM, 2)], 5.0, 1, None, ANY_TIME_S).alone_s
    made.kill()
    assert made.missing(ANY_TIME_S) is None  # it cannot be killed: this process goes on


def test_whoever_looks_at_failures_sees_each_exception_where_it_was_raised_and_no_wrong_answer(
    client: Callable[[type[Backend]], InProcessClient], cases: SharedCases
) -> None:
    seen: list[Exception] = []
    look_at_failures(seen.append)
    try:
        for backend in (Zeros, Breaks):
            with pytest.raises(Ended):
                client(backend).set_up(cases, ANY_TIME_S)
    finally:
        look_at_failures(None)
    (error,) = seen
    assert [entry.name for entry in traceback.extract_tb(error.__traceback__)][-1] == "prepare"


def test_it_computes_what_it_is_given(client: Callable[[type[Backend]], InProcessClient]) -> None:
    x, weight = np.ones(PROBLEM.input_shape, np.float32), np.full(PROBLEM.weight_shape, 2.0, np.float32)
    result = client(Right).apply(PROBLEM, Weights(weight=weight, bias=None), x, ANY_TIME_S)
    assert (result == 16.0).all()  # eight channels of two


def test_a_wrong_answer_is_an_end_that_says_so(
    client: Callable[[type[Backend]], InProcessClient], cases: SharedCases
) -> None:
    with pytest.raises(Ended) as caught:
        client(Zeros).set_up(cases, ANY_TIME_S)
    assert caught.value.status == "wrong"
    assert "the result is all zeros" in caught.value.reason
    assert caught.value.alive
    assert isinstance(caught.value.__cause__, WrongAnswer)


@pytest.mark.parametrize(
    ("ask", "status", "words"),
    [
        (lambda made, cases: made.missing(1.0), "failed", "missing: ValueError: a slip"),
        (lambda made, cases: made.refuses(PROBLEM, 1.0), "out-of-memory", "refuses: MemoryError"),
        (lambda made, cases: made.ran(1.0), "failed", "ran: ValueError: a slip"),
        (lambda made, cases: made.set_up(cases, 1.0), "failed", "set_up: ValueError: a slip"),
        (
            lambda made, cases: made.time_sequence([(PROBLEM, 1)], 1.0, 1, None, 1.0),
            "failed",
            "time_sequence: ValueError: a slip",
        ),
        (lambda made, cases: made.turn(1, 0.0, None, 1.0), "failed", "turn: RuntimeError: set_up comes first"),
        (lambda made, cases: made.finish(1.0), "failed", "finish: RuntimeError: set_up comes first"),
    ],
)
def test_any_other_exception_is_an_end_that_says_when_and_what(
    client: Callable[[type[Backend]], InProcessClient],
    cases: SharedCases,
    ask: Callable[[InProcessClient, SharedCases], object],
    status: str,
    words: str,
) -> None:
    with pytest.raises(Ended) as caught:
        ask(client(Breaks), cases)
    assert (caught.value.status, caught.value.alive) == (status, False)
    assert caught.value.reason.startswith(words)


def test_ctrl_c_is_the_users(client: Callable[[type[Backend]], InProcessClient]) -> None:
    with pytest.raises(KeyboardInterrupt):
        client(Interrupted).missing(ANY_TIME_S)
