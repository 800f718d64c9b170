"""Backends for untimed tests: what they are asked with, when their workers end, and what an answer costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.untimed import LAST_ANSWERS, UntimedBackends
from pointwise_bench.suites.harness.worker.client import WorkerClient

PROBLEM = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)


@pytest.fixture
def untimed(tmp_path: Path) -> Iterator[UntimedBackends]:
    backends = UntimedBackends(tmp_path, Options(threads=(1, 2)))
    yield backends
    backends.close()


def pids(untimed: UntimedBackends) -> list[int]:
    clients = [slot.client for slot in untimed._pool.occupied()]
    return [client.pid for client in clients if isinstance(client, WorkerClient)]


def test_one_thread_unless_more_are_asked_for(untimed: UntimedBackends) -> None:
    assert untimed.most_threads == 2
    untimed.verify("numpy-matmul", PROBLEM)
    assert [slot.threads for slot in untimed._pool.occupied()] == [1]
    untimed.verify("numpy-matmul", PROBLEM, threads=2)
    assert [slot.threads for slot in untimed._pool.occupied()] == [1, 2]


def test_another_backend_ends_the_workers_of_the_one_before(untimed: UntimedBackends) -> None:
    untimed.verify("numpy-matmul", PROBLEM)
    (pid,) = pids(untimed)
    assert untimed.refuses("numpy-einsum", PROBLEM) is None
    assert [slot.backend.name for slot in untimed._pool.occupied()] == ["numpy-einsum"]
    assert not psutil.pid_exists(pid)
    assert untimed.verify("numpy-matmul", PROBLEM) is not None  # and it is served again


def test_the_cost_of_an_answer_is_that_of_the_last_few(untimed: UntimedBackends) -> None:
    assert untimed.usual_seconds("numpy-matmul") == 0
    untimed.verify("numpy-matmul", PROBLEM)
    assert 0 < untimed.usual_seconds("numpy-matmul") < 5
    untimed._seconds["numpy-matmul"].extend([9.0, *[0.5] * LAST_ANSWERS])
    assert untimed.usual_seconds("numpy-matmul") == 0.5
    assert untimed.usual_seconds("numpy-einsum") == 0
