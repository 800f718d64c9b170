"""The worker processes of a run: one per backend and thread budget, replaced when gone, all ended at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from backends import registry
from suites.harness.pool import Pool

CHEAP = "numpy-matmul"


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path)
    yield pool
    pool.close()


def pid_of(station: Any) -> int:
    return station.host.pid


def test_a_backend_keeps_its_process_from_problem_to_problem(pool: Pool) -> None:
    station = pool.station(CHEAP, 1)
    first = pid_of(station)
    assert pid_of(pool.station(CHEAP, 1)) == first
    assert station.starts == 1
    assert list(pool.living()) == [station]


def test_a_dismissed_process_is_ended_and_replaced(pool: Pool) -> None:
    station = pool.station(CHEAP, 1)
    first = pid_of(station)
    pool.dismiss(station)
    pool.dismiss(station)
    assert not psutil.pid_exists(first)
    assert pid_of(pool.station(CHEAP, 1)) != first
    assert station.starts == 2


def test_closing_ends_every_process(pool: Pool) -> None:
    pids = [pid_of(pool.station(name, 1)) for name in (CHEAP, "naive-loops")]
    assert len(set(pids)) == 2
    pool.close()
    assert [psutil.pid_exists(pid) for pid in pids] == [False, False]
    assert list(pool.living()) == []


def test_what_a_backend_misses_is_asked_once_and_holds_no_process(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "poor.py"
    plugin.write_text(
        "from backends import Backend, register\n"
        "@register\n"
        "class Poor(Backend):\n"
        "    name = 'poor-in-tests'\n"
        "    def missing(self): return 'a device'\n"
        "    def prepare(self, problem, weight, bias, threads): ...\n"
    )
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))  # the plugin is gone after this test
    registry.add_plugin(str(plugin))
    for _ in range(2):
        station = pool.station("poor-in-tests", 1)
        assert station.missing == "a device"
        assert station.host is None
    assert station.starts == 1
    assert list(pool.living()) == []
