"""Modules that are slow to import, and a clock that a test moves on, for the tests of this room."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

import pytest
from simulated_time import SimulatedTime

from pointwise_bench.suites.harness.timing import clock as clock_module, looks, process_statistics


@pytest.fixture
def slow_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that take a while to import; ``outer_slow`` imports ``inner_slow`` on the way."""
    (tmp_path / "inner_slow.py").write_text("import time; time.sleep(0.1)")
    (tmp_path / "outer_slow.py").write_text("import time; time.sleep(0.1); import inner_slow")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(process_statistics, "INSTALLED", (*process_statistics.INSTALLED, f"{tmp_path}{os.sep}"))
    for name in ("inner_slow", "outer_slow"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimulatedTime:
    """The clock of the timed layer, in place of the real one that others who use this machine could disturb.

    What is drawn is the same in every test, too.
    """
    simulated = SimulatedTime()
    for name in ("perf_counter", "cpu_seconds"):
        monkeypatch.setattr(clock_module, name, getattr(simulated, name))
    monkeypatch.setattr(looks, "RAND_bytes", Random(18).randbytes)
    return simulated


@pytest.fixture(autouse=True)
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts the lines that tests run watches functions, too, by which intervals have one call each."""
    monkeypatch.setattr(clock_module, "is_watched", lambda: False)
