"""Backends for untimed tests, with a pool that notes what becomes of its workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.untimed import untimed_backends as untimed_module
from pointwise_bench.suites.harness.run.untimed.untimed_backends import UntimedBackends
from pointwise_bench.suites.harness.timing.judge import Finish
from pointwise_bench.suites.harness.verify.questions import Weights

PROBLEM = Problem(batch=1, in_channels=4, out_channels=2, height=2, width=2)
NOTHING = Weights(weight=None, bias=None)


class ScriptedClient:
    """Answers, or ends as it was told to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.ends: Ended | None = None
        self.cases: Any = None

    def _answer(self, name: str, *arguments: Any) -> None:
        self.asked.append((name, *arguments))
        if self.ends is not None:
            raise self.ends

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """A sentence."""
        self._answer("refuses", timeout_s)
        return "too small"

    def apply(self, problem: Problem, weights: Weights, x: Any, timeout_s: float) -> Any:
        """The input."""
        self._answer("apply", timeout_s)
        return x

    def set_up(self, cases: Any, timeout_s: float) -> None:
        """The cases are open meanwhile."""
        self.cases = cases
        cases.descriptor()
        self._answer("set_up", timeout_s)

    def turn(self, calls: int, warm_s: float, cores: Any, timeout_s: float) -> None:
        """Two calls on any core."""
        self._answer("turn", calls, warm_s, cores)

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """Right."""
        self._answer("check_answers", timeout_s)

    def finish(self, timeout_s: float) -> Finish:
        """A quarter of the bound."""
        self._answer("finish", timeout_s)
        return Finish(0.25, 0)


class ScriptedPool:
    """A slot for each backend and thread budget, with a client until it is dismissed."""

    def __init__(self, logs: Path, *, in_process: bool, variables: Mapping[str, str]) -> None:
        self.in_process = in_process
        self.variables = variables
        self.slots: dict[tuple[str, int], Any] = {}
        self.closed = False

    def slot(self, backend: str, threads: int) -> Any:
        """A slot with its client."""
        name = SimpleNamespace(name=backend)
        slot = self.slots.setdefault((backend, threads), SimpleNamespace(backend=name, missing="a device", client=None))
        slot.client = slot.client or ScriptedClient()
        return slot

    def occupied(self) -> list[Any]:
        """Those that have one."""
        return [slot for slot in self.slots.values() if slot.client is not None]

    def dismiss(self, slot: Any) -> None:
        """Without one until it is asked again."""
        slot.client = None

    def close(self) -> None:
        """Noted."""
        self.closed = True


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[UntimedBackends, ScriptedPool]]:
    """Makes the backends and shows their pool."""
    monkeypatch.setattr(untimed_module, "Pool", ScriptedPool)

    def made(**options: Any) -> tuple[UntimedBackends, ScriptedPool]:
        asked: dict[str, Any] = {"threads": (1, 4, 2), "timeout_s": 7.0} | options
        backends = UntimedBackends(tmp_path, Options(**asked))
        pool: Any = backends._pool
        return backends, pool

    return made


Make = Callable[..., tuple[UntimedBackends, ScriptedPool]]


def test_one_thread_is_asked_unless_it_is_said_and_the_time_out_is_the_options(make: Make) -> None:
    backends, pool = make()
    x = np.ones(PROBLEM.input_shape, np.float32)
    assert backends.most_threads == 4
    assert backends.missing("a") == "a device"
    assert backends.refuses("a", PROBLEM) == "too small"
    assert backends.apply("a", PROBLEM, NOTHING, x) is x
    assert backends.apply("a", PROBLEM, NOTHING, x, threads=4) is x
    assert pool.slots["a", 1].client.asked == [("refuses", 7.0), ("apply", 7.0)]
    assert pool.slots["a", 4].client.asked == [("apply", 7.0)]
    backends.close()
    assert pool.closed


def test_verifying_is_the_gate_before_and_after_two_calls(make: Make) -> None:
    backends, pool = make()
    backends.verify("a", PROBLEM)
    client = pool.slots["a", 1].client
    assert client.asked == [("set_up", 7.0), ("turn", 2, 0.0, None), ("check_answers", 7.0)]
    backends.verify("b", PROBLEM)
    assert pool.slots["b", 1].client.cases is client.cases  # made once for both
    backends.close()
    assert client.cases._descriptor is None  # the memory is free again


def test_what_is_judged_by_time_is_asked_where_it_is_wanted(make: Make) -> None:
    backends, pool = make()
    backends.verify("a", PROBLEM, seed=3, threads=4, by_time=True)
    client = pool.slots["a", 4].client
    assert client.asked == [("set_up", 7.0), ("turn", 2, 0.0, None), ("finish", 7.0)]  # which checks the answers, too
    assert client.cases._descriptor is None  # a drawn problem is not kept


@pytest.mark.parametrize("method", ["refuses", "apply", "verify"])
@pytest.mark.parametrize("alive", [True, False])
def test_a_worker_that_ended_and_serves_on_is_kept_and_a_dead_one_is_dismissed(
    make: Make, method: str, alive: bool
) -> None:
    backends, pool = make()
    client = pool.slot("a", 1).client
    client.ends = Ended("wrong" if alive else "crashed", "planted", alive=alive)
    arguments: tuple[Any, ...] = (NOTHING, None) if method == "apply" else ()
    with pytest.raises(Ended, match="planted"):
        getattr(backends, method)("a", PROBLEM, *arguments)
    assert pool.slots["a", 1].client is (client if alive else None)
    backends.close()
    if method == "verify":
        assert client.cases._descriptor is None


def test_asking_another_backend_ends_the_workers_of_the_one_before(make: Make) -> None:
    backends, pool = make()
    backends.refuses("a", PROBLEM)
    backends.apply("a", PROBLEM, NOTHING, np.empty(0), threads=4)
    assert [slot.backend.name for slot in pool.occupied()] == ["a", "a"]
    backends.missing("b")
    assert [slot.backend.name for slot in pool.occupied()] == ["b"]


def test_the_usual_seconds_of_an_answer_are_the_median_of_the_last_few(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first takes 100 s, for what is compiled once, then 16 take 2 s: the last 15 count, and no failed one."""
    backends, pool = make()
    assert backends.expected_seconds("a") == 0.0
    readings = iter([0.0, 100.0, *(float(second) for number in range(16) for second in (number, number + 2)), 0.0])
    monkeypatch.setattr(untimed_module, "_processor_s", lambda client: next(readings))
    backends.verify("a", PROBLEM)
    assert backends.expected_seconds("a") == 100.0
    for _ in range(16):
        backends.verify("a", PROBLEM)
    assert backends.expected_seconds("a") == 2.0
    pool.slots["a", 1].client.ends = Ended("wrong", "planted")
    with pytest.raises(Ended):
        backends.verify("a", PROBLEM)
    assert backends.expected_seconds("a") == 2.0
    assert backends.expected_seconds("b") == 0.0


def test_a_large_problem_is_expected_to_take_what_the_cheapest_answer_has_shown(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three answers take 1 s, as compiling does. A fourth of a million multiply-adds takes 3 s: 2 us for each."""
    backends, _ = make()
    large = replace(PROBLEM, height=1000, width=125)
    assert backends.expected_seconds("a", large) == 0.0
    readings = iter([0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 6.0])
    monkeypatch.setattr(untimed_module, "_processor_s", lambda client: next(readings))
    for problem in (replace(PROBLEM, batch=0), PROBLEM, PROBLEM, large):
        backends.verify("a", problem)
    assert large.macs == 1_000_000
    assert backends.expected_seconds("a", PROBLEM) == 1.0
    assert backends.expected_seconds("a", replace(large, batch=2)) == pytest.approx(
        4.0, abs=2.1 * untimed_module.TICK_S
    )
    assert backends.expected_seconds("a") == 1.0


def test_threads_of_its_workers_sleep_while_they_wait(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    _, pool = make()
    assert pool.variables["OMP_WAIT_POLICY"] == "passive"


def test_a_debugger_has_them_in_its_own_process(make: Make) -> None:
    _, pool = make(in_process=True)
    assert pool.in_process
