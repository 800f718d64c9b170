"""The age of this process: believed within reason, and never weeks."""

from __future__ import annotations

import sys
import time
from typing import Any

import psutil
import pytest

from pointwise_bench.suites.harness.machine.process_age import LONGEST_START_S, process_age_s


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the system say that this process was started so many seconds ago."""

    def started(ago_s: float) -> None:
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: time.time() - ago_s)

    return started


@pytest.mark.parametrize("ago_s", [0.5, 3.0, 45.0])
def test_a_start_of_a_moment_ago_is_believed(started: Any, ago_s: float) -> None:
    started(ago_s)
    assert process_age_s() == pytest.approx(ago_s, abs=0.2)


@pytest.mark.parametrize("ago_s", [14 * 86400.0, -14 * 86400.0, -5.0, float("nan"), 2 * LONGEST_START_S])
def test_a_start_that_cannot_be_is_not_believed(started: Any, ago_s: float) -> None:
    """What counts then is what the process has computed, which no clock of the system changes."""
    started(ago_s)
    assert 0 < process_age_s() <= min(time.process_time(), LONGEST_START_S)


def test_without_the_package_that_tells_it_is_what_was_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert 0 < process_age_s() <= min(time.process_time(), LONGEST_START_S)
