"""The canary: the same work every time on every thread, in numbers that stay what they are."""

from __future__ import annotations

import os
import threading
import time

import pytest

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.state.canary import Canary, _Share, least_seconds

PRODUCTS = POLICY.timing.canary_products


@pytest.fixture(scope="module")
def canary() -> Canary:
    return Canary()


@pytest.mark.alone
def test_it_knows_its_speed_from_before_the_run(canary: Canary) -> None:
    assert 0 < canary.baseline_s < 0.1
    # The fastest of many: others use this machine while tests run.
    assert 0.2 < min(canary.work_s() for _ in range(20)) / canary.baseline_s < 2


def test_its_numbers_never_decay(canary: Canary) -> None:
    """Halves times halves, 48 of them, are 12 each time: no overflow and no denormal number ever changes its speed."""
    for _ in range(50):
        canary.work_s()
    (share,) = canary._shares
    assert (share._factors == 0.5).all()
    assert (share._product == 12.0).all()


def test_its_memory_fits_into_the_caches_of_a_core(canary: Canary) -> None:
    """More of it would be slow behind every turn of a backend, on the calmest machine."""
    share = _Share()
    assert share._factors.nbytes + share._product.nbytes <= 2**18
    assert PRODUCTS % (4 * len(share._factors)) == 0  # no product is left out, nor in the part before the clock


@pytest.mark.alone
def test_half_the_speed_shows_as_twice_the_time(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    work = _Share._work

    def slowed(self: _Share, products: int) -> None:
        work(self, products)
        work(self, products)

    usual = min(canary.work_s() for _ in range(20))
    monkeypatch.setattr(_Share, "_work", slowed)
    assert 1.5 < min(canary.work_s() for _ in range(20)) / usual < 3


def test_its_first_products_are_off_the_clock(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the last backend left in the caches is not the machine's speed."""
    events: list[str] = []

    def clock() -> float:
        events.append("clock")
        return 1.5 * events.count("clock")

    monkeypatch.setattr(time, "perf_counter", clock)
    monkeypatch.setattr(_Share, "_work", lambda self, products: events.append(f"{products} products"))
    assert canary.work_s() == 1.5
    assert events == [f"{PRODUCTS // 4} products", "clock", f"{PRODUCTS} products", "clock"]


def test_as_many_threads_work_at_once_and_the_slowest_counts(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other they would wait at the barrier for ever."""
    together = threading.Barrier(3, timeout=30)
    seconds = iter((0.5, 2.5, 1.0))

    def work_s(self: _Share, cores: list[int] | None) -> float:
        together.wait()
        return next(seconds)

    monkeypatch.setattr(_Share, "work_s", work_s)
    assert canary.work_s(threads=3) == 2.5


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not let us choose cores")
def test_it_beats_on_the_cores_of_the_turns_and_goes_back(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is compared with ran there; and the harness itself belongs to all cores."""
    before = os.sched_getaffinity(0)
    seen: list[set[int]] = []
    monkeypatch.setattr(_Share, "_work", lambda self, products: seen.append(os.sched_getaffinity(0)))
    canary.work_s(1, [max(before)])
    canary.work_s()
    assert seen == [{max(before)}] * 2 + [before] * 2
    assert os.sched_getaffinity(0) == before


def test_its_work_tells_what_the_machine_can_do_at_least() -> None:
    """160 products of 48 x 48 matrices are 35,389,440 operations of each thread, of double precision half as many."""
    assert least_seconds(35_389_440, "float32", 1, 0.5) == pytest.approx(0.5)
    assert least_seconds(35_389_440, "float32", 2, 0.5) == pytest.approx(0.25)
    assert least_seconds(35_389_440, "float64", 1, 0.5) == pytest.approx(1.0)
    assert 1e8 < 1 / least_seconds(1, "float32", 1, Canary().work_s()) < 1e12
