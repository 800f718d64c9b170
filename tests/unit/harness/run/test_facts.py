"""What workers tell once a pass is over: each is asked once, and who fails at it costs nothing."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from scripted_backend import Scripted

from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run.facts import Facts
from pointwise_bench.suites.harness.timing.properties import Properties
from pointwise_bench.suites.harness.worker.pool import WorkerSlot


class Pool:
    """Notes who is dismissed."""

    at_once = 1

    def __init__(self) -> None:
        self.dismissed: list[WorkerSlot] = []
        self.dismiss = self.dismissed.append


def slot(found: Properties | Ended | None, control: str | None = None) -> WorkerSlot:
    def examine(patience_s: float) -> Properties | None:
        if isinstance(found, Ended):
            raise found
        return found

    client: Any = SimpleNamespace(libraries=lambda patience_s: [], ran=lambda patience_s: "avx2", examine=examine)
    return WorkerSlot(Scripted(lambda call: None), 1, client=client, control=control)


def asked(facts: Facts, *slots: WorkerSlot, seconds: float | None = None) -> Pool:
    pool: Any = Pool()
    facts.ask(slots, pool, TimeBudget(seconds, time.monotonic()))
    found: Pool = pool
    return found


PLAIN = Properties(repeats=True, same_in_a_batch=True, bytes_per_call=0, bytes_per_shape=0)
STRAYS = Properties(repeats=False, same_in_a_batch=True, bytes_per_call=0, bytes_per_shape=0, strays=True)


def test_a_backend_is_asked_once_and_a_control_never() -> None:
    facts = Facts()
    asked(facts, slot(PLAIN))
    asked(facts, slot(STRAYS), slot(STRAYS, control="control"))
    assert (facts.libraries, facts.ran) == ({"scripted, 1 threads": []}, {"scripted, 1 threads": "avx2"})
    assert list(facts.properties) == ["scripted, 1 threads"]
    assert not facts.strays


def test_who_strays_is_told_apart_from_what_is_recorded() -> None:
    facts = Facts()
    asked(facts, slot(STRAYS))
    assert facts.strays == {"scripted"}
    assert facts.properties["scripted, 1 threads"] == {
        "repeats": False, "same_in_a_batch": True, "bytes_per_call": 0, "bytes_per_shape": 0}  # fmt: skip


def test_a_worker_that_gets_lost_over_it_is_dismissed_and_costs_nothing() -> None:
    facts, lost = Facts(), slot(Ended("crashed", "examine: gone", alive=False))
    assert asked(facts, lost).dismissed == [lost]
    assert not facts.properties
    assert not asked(Facts(), slot(Ended("failed", "examine: ValueError"))).dismissed


def test_without_time_nobody_is_examined() -> None:
    facts = Facts()
    asked(facts, slot(STRAYS), seconds=10.0)  # two hundredths of which are less than the shortest look
    assert not facts.strays
    assert list(facts.libraries) == ["scripted, 1 threads"]
