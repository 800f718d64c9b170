"""The ceilings: bounds worked out from round numbers, a team of threads, and one real reading of the smallest kind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

from pointwise_bench.suites.harness.machine import ceilings
from pointwise_bench.suites.harness.machine.ceilings import DTYPES, Ceilings, Team, working_sets
from pointwise_bench.suites.harness.machine.fma_kernel import LANE_BYTES

ONE = Ceilings("before", 1, {"float32": 100e9, "float64": 50e9}, 10e9, [(2**15, 40e9), (2**17, 10e9)])


def test_work_takes_as_long_as_the_peak_says() -> None:
    """200 gigaflop at 100 gigaflop/s are two seconds; of a type that was not measured nothing is known."""
    assert ONE.least_seconds(200 * 10**9, "float32") == 2.0
    assert ONE.least_seconds(200 * 10**9, "float64") == 4.0
    assert ONE.least_seconds(10**9, "bfloat16") == 0.0


@pytest.mark.parametrize(
    ("cache", "memory", "expected"),
    [
        # Four times the last cache is below 256 MiB, which is then the last: 32 KiB times 4, 16, 64 and so on.
        ({"L3": 2**20}, 2**40, [2**15, 2**17, 2**19, 2**21, 2**23, 2**25, 2**27, 2**28]),
        ({"L2": 2**20, "L3": 2**27}, 2**40, [2**15, 2**17, 2**19, 2**21, 2**23, 2**25, 2**27, 2**29]),
        ({}, 2**40, [2**15, 2**17, 2**19, 2**21, 2**23, 2**25, 2**27, 2**28]),
        # A host's cache on a small guest: an eighth of the memory at most.
        ({"L3": 2**30}, 2**24, [2**15, 2**17, 2**19, 2**21]),
    ],
)
def test_working_sets_grow_fourfold_to_four_caches_or_an_eighth_of_the_memory(
    monkeypatch: pytest.MonkeyPatch, cache: dict[str, int], memory: int, expected: list[int]
) -> None:
    monkeypatch.setattr(ceilings, "cache_bytes", lambda: cache)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": memory // 4096}.__getitem__)
    assert list(working_sets()) == expected


@pytest.mark.parametrize(
    ("seconds_each", "expected"),
    [
        (1e-3, 5),  # 1 and 4 of 1 ms: 4 ms is long enough to tell, and 5 ms is 5
        (1.25e-3, 4),  # the first is just long enough
        (1e-6, 5000),  # 1, 4, 16, ... 4096: 4.096 ms
        (1.0, 1),
    ],
)
def test_a_burst_is_as_often_as_fills_it(seconds_each: float, expected: int) -> None:
    assert ceilings._calibrated(lambda count: count * seconds_each) == pytest.approx(expected, abs=0.5)


def test_a_team_works_at_the_same_time_each_on_a_core_of_its_own() -> None:
    threads = min(2, len(os.sched_getaffinity(0)))
    meeting = threading.Barrier(threads)

    def work(number: int) -> tuple[int, tuple[int, ...]]:
        meeting.wait(timeout=10)  # which nobody passes alone
        return number, tuple(os.sched_getaffinity(0))

    before = os.sched_getaffinity(0)
    with Team(threads) as team:
        found = team.everyone(work)
    assert [number for number, _ in found] == list(range(threads))
    assert len({cores for _, cores in found}) == threads
    assert all(len(cores) == 1 for _, cores in found)
    assert os.sched_getaffinity(0) == before


def test_more_threads_than_cores_share_them() -> None:
    with Team(5) as team:
        assert team.everyone(lambda number: number * number) == [0, 1, 4, 9, 16]


def test_a_teams_seconds_are_from_the_first_start_to_the_last_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worked from 10.0 to 10.5, the other from 10.2 to 10.9."""
    spans = iter([(10.0, 10.5), (10.2, 10.9)])
    monkeypatch.setattr(Team, "everyone", lambda self, work: list(spans))
    with Team(2) as team:
        assert team.seconds(lambda number: None) == pytest.approx(0.9)


def test_flops_count_every_thread_and_the_best_of_several_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 threads, 100 turns of 48 operations: 9600 in the fastest burst, which took 4 ms, are 2.4 megaflop/s."""
    monkeypatch.setattr(ceilings, "_calibrated", lambda seconds: 100)
    bursts = iter([6e-3, 5e-3, 4e-3, 9e-3, 7e-3])
    monkeypatch.setattr(Team, "seconds", lambda self, work: next(bursts))
    with Team(2) as team:
        assert ceilings._fma_flops(team, "float32", lambda turns, seed: None, 48) == pytest.approx(2.4e6)


def test_a_peak_is_the_best_width_over_all_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disturbance that lasts over a whole pass costs nothing."""
    passes = iter(range(100))

    def flops(team: Team, dtype: str, kernel: Callable[..., object], per_turn: int) -> float:
        disturbed = next(passes) < len(DTYPES) * len(LANE_BYTES)
        return per_turn * (0.5 if disturbed else 1.0)

    monkeypatch.setattr(ceilings, "fma_kernel", lambda dtype, width: (None, width * (2 if dtype == "float32" else 1)))
    monkeypatch.setattr(ceilings, "_fma_flops", flops)
    with Team(1) as team:
        assert ceilings._fma_peaks(team) == {"float32": 128, "float64": 64}


def test_the_bandwidth_of_a_working_set_counts_three_arrays_of_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """4800 bytes are 3 arrays of 100 numbers in each of 2 threads; 10 times in 1 ms are 48 megabytes/s."""
    sizes = []

    def triad(a: object, b: object, c: object, scalar: float, passes: int) -> None:
        sizes.append((len(a), len(b), len(c), scalar, passes))  # type: ignore[arg-type]

    monkeypatch.setattr(ceilings, "_triad_kernel", lambda: triad)
    monkeypatch.setattr(ceilings, "_calibrated", lambda seconds: 10)
    monkeypatch.setattr(Team, "seconds", lambda self, work: (self.everyone(work), 1e-3)[1])
    with Team(2) as team:
        assert ceilings._triad_bandwidth(team, 4800) == pytest.approx(48e6)
    assert {size[:4] for size in sizes} == {(100, 100, 100, 3.0)}
    assert [size[4] for size in sizes][:2] == [1, 1]  # compiled and touched off the clock


def test_a_real_reading_of_the_smallest_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled for this machine: at least a hundred megaflop and megabytes a second, on anything that runs Python."""
    monkeypatch.setattr(ceilings, "working_sets", lambda: iter([2**15]))
    monkeypatch.setattr(ceilings, "DTYPES", ("float32",))
    monkeypatch.setattr(ceilings, "LANE_BYTES", (16,))
    began = time.monotonic()
    found = ceilings.measure(1, "during")
    assert time.monotonic() - began < 30
    assert (found.phase, found.threads) == ("during", 1)
    assert found.fma_peak_flops["float32"] > 1e8
    assert found.bandwidth == [(2**15, found.triad_bytes_per_s)]
    assert found.triad_bytes_per_s > 1e8
