"""What a backend is like: each property is seen on a backend that was made to have it, and on no other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.harness.timing import properties
from pointwise_bench.suites.harness.timing.properties import Properties, examine

PLAIN = Properties(repeats=True, same_in_a_batch=True, bytes_per_call=0, bytes_per_shape=0)
RESULT = 128 * 144 * 4  # bytes, of the problem with which calls and shapes are counted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory of a process is told by /proc")


class Plain(Backend):
    """One product for each picture."""

    name = "plain"

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Callable[[Any], Any]:
        """Nothing is kept."""

        def layer(x: Any) -> Any:
            pictures = [np.matmul(weight, one.reshape(problem.in_channels, -1)) for one in x]
            return np.stack(pictures).reshape(problem.output_shape)

        return layer


class Drifts(Plain):
    """Its results depend on how often it was called."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Callable[[Any], Any]:
        """Two orders of summation in turn."""
        layer, calls = super().prepare(problem, weight, bias, threads), [0]
        turned = super().prepare(problem, np.ascontiguousarray(weight[:, ::-1]), bias, threads)

        def either(x: Any) -> Any:
            calls[0] += 1
            return layer(x) if calls[0] % 2 else turned(np.ascontiguousarray(x[:, ::-1]))

        return either


class MindsTheBatch(Plain):
    """Adds up in another order where there are several pictures."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Callable[[Any], Any]:
        """As the number of pictures wants it."""
        if problem.batch == 1:
            return super().prepare(problem, weight, bias, threads)
        turned = super().prepare(problem, np.ascontiguousarray(weight[:, ::-1]), bias, threads)
        return lambda x: turned(np.ascontiguousarray(x[:, ::-1]))


class KeepsResults(Plain):
    """A layer that keeps what it has returned."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Callable[[Any], Any]:
        """As long as the layer lives."""
        layer, kept = super().prepare(problem, weight, bias, threads), []

        def keeping(x: Any) -> Any:
            kept.append(layer(x))
            return kept[-1]

        return keeping


class KeepsLayers(Plain):
    """A backend that keeps what it has prepared."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Callable[[Any], Any]:
        """For ever, a copy of the weights with it."""
        self.kept.append(np.array(weight))
        return super().prepare(problem, self.kept[-1], bias, threads)


def test_a_plain_backend_repeats_itself_and_keeps_nothing() -> None:
    assert examine(Plain(), 1) == PLAIN


class Strays(Plain):
    """Loses an element of one result in two hundred."""

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Callable[[Any], Any]:
        """By counting."""
        layer, calls = super().prepare(problem, weight, bias, threads), [0]

        def straying(x: Any) -> Any:
            result = layer(x)
            calls[0] += 1
            if calls[0] % 200 == 0:
                result.flat[-1] += 1e-2
            return result

        return straying


def test_one_result_of_many_that_is_far_from_the_others_is_seen() -> None:
    strays, drifts = examine(Strays(), 1), examine(Drifts(), 1)
    assert strays is not None
    assert drifts is not None
    assert (strays.strays, drifts.strays) == (True, False)


def test_each_property_is_seen_where_it_is_planted_and_alone() -> None:
    drifts = examine(Drifts(), 1)
    assert drifts is not None
    assert (drifts.repeats, drifts.bytes_per_call, drifts.bytes_per_shape) == (False, 0, 0)
    assert examine(MindsTheBatch(), 1) == Properties(True, False, 0, 0)


def test_memory_is_counted_by_call_and_by_shape() -> None:
    by_call, by_shape = examine(KeepsResults(), 1), examine(KeepsLayers(), 1)
    assert by_call is not None
    assert by_shape is not None
    assert (by_call.repeats, by_call.same_in_a_batch, by_call.bytes_per_shape) == (True, True, 0)
    assert by_call.bytes_per_call == pytest.approx(RESULT, rel=0.3)
    assert (by_shape.repeats, by_shape.same_in_a_batch, by_shape.bytes_per_call) == (True, True, 0)
    assert by_shape.bytes_per_shape == pytest.approx(128 * 128 * 4, rel=0.3)


class Half(Plain):
    """Takes float16 in NHWC alone."""

    dtypes = ("float16",)

    def refuses(self, problem: Problem) -> str | None:
        """Anything but NHWC."""
        return super().refuses(problem) or (None if problem.layout == "nhwc" else "NHWC only")

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Callable[[Any], Any]:
        """In float32."""
        assert problem.layout == "nhwc"
        return lambda x: np.matmul(x.astype("f4"), weight.T.astype("f4")).astype("f2")


class Nothing(Plain):
    """Takes nothing."""

    def refuses(self, problem: Problem) -> str | None:
        """Always."""
        return "nothing at all"


def test_a_backend_is_looked_at_in_the_first_form_that_it_takes() -> None:
    assert examine(Half(), 1) is not None
    assert examine(Nothing(), 1) is None


def test_what_the_system_does_not_tell_is_not_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(properties, "STATUS", tmp_path / "none")
    assert examine(Plain(), 1) == Properties(True, True, None, None)
