"""A network's layers in one pass against each alone: on a clock that only calls advance, and with real libraries."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pytest

from pointwise_bench import Backend, Problem
from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.timing import timed_sequence as module
from pointwise_bench.suites.harness.timing.timed_sequence import FEWEST_ROUNDS, MOST_ROUNDS, TimedSequence

SMALL = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, bias=True)
WIDE = Problem(batch=2, in_channels=8, out_channels=16, height=4, width=4, dtype="bfloat16", add=True)
LAYERS = ((SMALL, 3), (WIDE, 1))
HOT_S, COLD_S = 1e-3, 3e-3


class Cached(Backend):
    """Takes :data:`HOT_S` where the same layer was called just before, else :data:`COLD_S`, on a clock of its own."""

    name = "cached"

    def __init__(self, prepare_s: float = 0.0) -> None:
        self.now = 0.0
        self.prepare_s = prepare_s
        self.last: object = None
        self.calls: list[object] = []
        self.given: list[tuple[Any, Any, int]] = []
        self.inputs: dict[object, set[int]] = {}

    def clock(self) -> float:
        """Seconds that calls have taken."""
        return self.now

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """A layer that knows how often it was called."""
        self.now += self.prepare_s
        self.given.append((weight, bias, threads))
        key = (problem, len(self.given))

        def layer(*inputs: Any) -> None:
            assert tuple(each.shape for each in inputs) == problem.input_shapes
            assert all(each.dtype == np.dtype(problem.dtype) for each in inputs)
            self.now += HOT_S if self.last == key else COLD_S
            self.last = key
            self.calls.append(key)
            self.inputs.setdefault(key, set()).add(inputs[0].ctypes.data)

        return layer


def measured(monkeypatch: pytest.MonkeyPatch, backend: Cached, seconds: float = 100.0) -> Any:
    monkeypatch.setattr(module, "perf_counter", backend.clock)
    return TimedSequence(backend, 2, LAYERS).measure(seconds, seed=1)


def test_the_sum_is_of_layers_that_are_hot_and_a_pass_of_layers_that_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Cached())
    assert found.refusal == ""
    assert found.alone_s == pytest.approx([4 * HOT_S] * MOST_ROUNDS)
    assert found.sequence_s == pytest.approx([4 * COLD_S] * MOST_ROUNDS)


def test_each_occurrence_has_weights_and_an_input_of_its_own_and_a_pass_has_all_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = Cached()
    measured(monkeypatch, backend)
    assert len({weight.ctypes.data for weight, _, _ in backend.given}) == 4
    assert not np.array_equal(backend.given[0][0], backend.given[1][0])
    assert [bias is not None for _, bias, _ in backend.given] == [True, True, True, False]
    assert {threads for _, _, threads in backend.given} == {2}
    assert len(set.union(*backend.inputs.values())) == 4
    assert all(len(places) == 1 for places in backend.inputs.values())
    assert backend.calls[:8] == 2 * [(SMALL, 1), (SMALL, 2), (SMALL, 3), (WIDE, 4)]
    # Nobody calls a second occurrence alone, and each pass that is timed has another before it.
    assert backend.calls.count((SMALL, 2)) == 3 + 2 * MOST_ROUNDS


def test_each_call_is_waited_for_and_all_threads_are_kept_to_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    kept: list[object] = []

    class Waits(Cached):
        def sync(self) -> None:
            waited.append(len(self.calls))

    @contextmanager
    def keeps(cores: list[int] | None, *, started: bool) -> Iterator[None]:
        assert started  # and whoever the backend has started
        kept.append(("to", cores, len(backend.given)))
        yield
        kept.append(("until", len(backend.calls)))

    monkeypatch.setattr(module, "kept_to", keeps)
    backend = Waits()
    monkeypatch.setattr(module, "perf_counter", backend.clock)
    TimedSequence(backend, 2, LAYERS).measure(100.0, 1, [0])
    assert waited == list(range(1, 1 + len(backend.calls)))
    assert kept == [("to", [0], 0), ("until", len(backend.calls))]


def test_both_come_in_an_order_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were one always the first, what a round leaves in the caches would favour the other."""
    order: list[str] = []
    for name in ("_alone_s", "_sequence_s"):
        monkeypatch.setattr(module, name, lambda *_, name=name: order.append(name) or 1.0)  # type: ignore[func-returns-value]
    measured(monkeypatch, Cached())
    rounds = [tuple(order[place : place + 2]) for place in range(0, len(order), 2)]
    assert {*rounds} == {("_alone_s", "_sequence_s"), ("_sequence_s", "_alone_s")}


BEFORE_S: Final = 3 * 4 * COLD_S + 2 * (COLD_S + HOT_S)
"""Of three passes, and of each layer alone two calls."""
ROUND_S: Final = 2 * 4 * COLD_S + 2 * (1 + 2) * HOT_S
"""Foreseen of two passes, and of both layers alone a call and as many as take 2 ms."""


def test_no_more_rounds_than_fit_and_none_where_too_few_do(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Cached(), BEFORE_S + (FEWEST_ROUNDS + 1.5) * ROUND_S)
    assert len(found.alone_s) == len(found.sequence_s) == FEWEST_ROUNDS + 1
    found = measured(monkeypatch, Cached(), BEFORE_S + (FEWEST_ROUNDS - 0.5) * ROUND_S)
    assert found.refusal == "a round takes 0.03 s, and 0.16 s are left for 6 of them"
    assert found.alone_s == found.sequence_s == []


class Disturbed(Cached):
    """Takes ten times as long from one call on, up to another."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__()
        self.spell = range(first, last)

    def sync(self) -> None:
        """The rest of a slow call."""
        self.now += 9 * COLD_S * (len(self.calls) in self.spell)


@pytest.mark.parametrize(("first", "last"), [(5, 9), (9, 13), (13, 14)], ids=["a pass", "the next", "one call"])
def test_one_disturbed_pass_is_no_reason_to_give_up(monkeypatch: pytest.MonkeyPatch, first: int, last: int) -> None:
    found = measured(monkeypatch, Disturbed(first, last), BEFORE_S + 4 * 9 * COLD_S + (FEWEST_ROUNDS + 3) * ROUND_S)
    assert len(found.sequence_s) >= FEWEST_ROUNDS


def test_where_rounds_take_longer_than_was_foreseen_there_are_fewer_but_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Disturbed(17, 10**9), BEFORE_S + MOST_ROUNDS * ROUND_S)
    assert len(found.alone_s) == len(found.sequence_s) == FEWEST_ROUNDS


def test_preparing_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Cached(prepare_s=1.0)
    assert measured(monkeypatch, backend, 1.5).refusal == "preparing its layers takes longer than the 1.5 s for it"
    assert len(backend.given) == 2


def test_what_a_backend_raises_is_the_callers_and_the_collector_is_on_afterwards() -> None:
    class Breaks(Cached):
        def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
            calls = iter(range(20))

            def layer(*inputs: Any) -> None:
                if next(calls) > 10:
                    raise ValueError("tired")

            return layer

    with pytest.raises(ValueError, match="tired"):
        TimedSequence(Breaks(), 1, LAYERS).measure(10.0, seed=1)
    assert gc.isenabled()


@pytest.mark.parametrize("name", ["numpy-matmul", "torch-conv2d"])
def test_real_libraries_have_times_of_both(name: str) -> None:
    backend = registry.get(name)
    if (missing := backend.missing()) is not None:
        pytest.skip(missing)
    found = TimedSequence(
        backend, 1, ((SMALL, 2), (Problem(batch=1, in_channels=16, out_channels=8, height=4, width=4), 1))
    ).measure(30.0, seed=1)  # much of it for an import of PyTorch beside a load
    assert found.refusal == ""
    assert len(found.alone_s) == len(found.sequence_s) >= FEWEST_ROUNDS
    assert min(found.alone_s + found.sequence_s) > 0
