"""Cells as results of tests: what pytest-benchmark is told, and which cells are skipped or expected to fail."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pointwise_bench.common.status import STATUSES
from pointwise_bench.suites.harness.claims.claim_file import ClaimResult
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.run import pytest_benchmark_adapter as adapter
from pointwise_bench.suites.harness.run.pytest_benchmark_adapter import (
    CLOCK,
    MeasuredClock,
    leave_tables_out,
    report_cell,
    report_claim,
)
from pointwise_bench.suites.harness.run.session import BudgetSpent


class Benchmark:
    """pytest-benchmark's fixture, as far as it is used: reads the timer around each round."""

    disabled = False

    def __init__(self) -> None:
        self.group = ""
        self.extra_info: dict[str, Any] = {}
        self.rounds: list[float] = []

    def pedantic(self, function: Callable[[], None], rounds: int, iterations: int) -> None:
        """So many rounds, and one call more, as with its profiler."""
        assert iterations == 1
        for _ in range(rounds):
            began = CLOCK()
            function()
            self.rounds.append(CLOCK() - began)
        function()


@pytest.fixture
def fixture() -> Benchmark:
    return Benchmark()


def cell(status: Any = "ok", **changed: Any) -> Cell:
    fixed: dict[str, Any] = {
        "backend": "numpy-matmul",
        "problem": "n1c8h4w4-o8",
        "threads": 2,
        "group": "basics",
        "name": "a layer",
        "count": 1,
        "device": "cpu",
        "output": "fresh",
        "isolation": "worker",
        "started_at": "2026-01-02T03:04:05Z",
        "status": status,
        "reason": "" if status == "ok" else "planted",
        "samples_s": [1e-6, 3e-6, 2e-6],
        "calls": 10,
    }
    return Cell(**fixed | changed)


def claim(status: Any = "ok") -> ClaimResult:
    made = ClaimResult("stride", "numpy-matmul", 2, "cpu", "fresh", "worker", "2026-01-02T03:04:05Z", status, "planted")
    made.samples_s = {"first": [5e-3], "last": [1e-3, 2e-3]}
    return made


def test_a_cells_rounds_are_read_as_they_were_measured(fixture: Benchmark) -> None:
    report_cell(cell, fixture)
    assert fixture.rounds == pytest.approx([1e-6, 3e-6, 2e-6], rel=1e-12)
    assert fixture.group == "basics a layer (n1c8h4w4-o8, threads: 2)"


def test_a_claims_rounds_are_those_of_its_last_variant(fixture: Benchmark) -> None:
    report_claim(claim, fixture)
    assert fixture.rounds == pytest.approx([1e-3, 2e-3], rel=1e-12)
    assert fixture.group == "claim stride (threads: 2)"


@pytest.mark.parametrize(("report", "made"), [(report_cell, cell), (report_claim, claim)])
def test_the_rest_of_it_is_told_beside_the_times(
    fixture: Benchmark, report: Callable[..., None], made: Callable[[], Any]
) -> None:
    report(made, fixture)
    assert fixture.extra_info.keys() == vars(made()).keys() - set(adapter.SAMPLES)
    assert fixture.extra_info["threads"] == 2


@pytest.mark.parametrize(("report", "made"), [(report_cell, cell), (report_claim, claim)])
@pytest.mark.parametrize("status", [status for status in STATUSES if status != "ok"])
def test_without_a_time_a_test_is_skipped_or_an_expected_failure(
    fixture: Benchmark, report: Callable[..., None], made: Callable[[Any], Any], status: Any
) -> None:
    """It was asked for nothing, or it was and the run has found out what is wrong: either way the run did its work."""
    asked_nothing = status in ("unsupported", "unavailable")
    with pytest.raises(pytest.skip.Exception if asked_nothing else pytest.xfail.Exception) as outcome:
        report(lambda: made(status), fixture)
    assert f"{status}: planted" in str(outcome.value)
    assert fixture.rounds == []
    assert fixture.extra_info["status"] == status


@pytest.mark.parametrize("report", [report_cell, report_claim])
def test_a_cell_that_the_time_did_not_reach_is_skipped_with_that_reason(
    fixture: Benchmark, report: Callable[..., None]
) -> None:
    def spent() -> Any:
        raise BudgetSpent("not measured: the time budget of 5 s is spent")

    with pytest.raises(pytest.skip.Exception, match="the time budget of 5 s is spent"):
        report(spent, fixture)


@pytest.mark.parametrize("report", [report_cell, report_claim])
@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EMFILE, errno.ENOMEM, errno.ENOSPC, errno.ENOENT])
def test_what_the_machine_lacks_ends_the_session_in_one_line_and_a_fault_shows_its_traceback(
    fixture: Benchmark, report: Callable[..., None], number: int
) -> None:
    def lacking() -> Any:
        raise OSError(number, os.strerror(number))

    expected = FileNotFoundError if number == errno.ENOENT else pytest.exit.Exception
    with pytest.raises(expected, match=os.strerror(number)):
        report(lacking, fixture)


@pytest.mark.parametrize("report", [report_cell, report_claim])
def test_where_timing_is_switched_off_nothing_is_measured(fixture: Benchmark, report: Callable[..., None]) -> None:
    fixture.disabled = True
    with pytest.raises(pytest.skip.Exception, match="--benchmark-disable"):
        report(lambda: pytest.fail("measured"), fixture)


def test_the_timer_goes_on_by_what_was_measured_alone_and_begins_anew_for_each_cell() -> None:
    """After a thousand seconds a microsecond would have six digits left."""
    clock = MeasuredClock()
    assert clock() == clock() == 0.0
    clock.advance(2.5)
    assert clock() == clock() == 2.5
    clock.restart()
    assert clock() == 0.0
    CLOCK.advance(1000.0)
    report_cell(cell, anew := Benchmark())
    assert anew.rounds[0] == 1e-6


# --- tables -------------------------------------------------------------------------------------------------------


def is_quiet(*words: str, addopts: tuple[str, ...] = (), there: bool = True) -> bool:
    """Whether pytest-benchmark shows no tables, asked with these words."""
    session = SimpleNamespace(quiet=False)
    config = SimpleNamespace(
        invocation_params=SimpleNamespace(args=words),
        getini={"addopts": list(addopts)}.__getitem__,
        pluginmanager=SimpleNamespace(get_plugin={"pytest-benchmark": session if there else None}.__getitem__),
    )
    leave_tables_out(cast("pytest.Config", config))
    return bool(session.quiet)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("suites", "--benchmark-only", "--shapes", "basics"),
        ("--benchmark-only", "--benchmark-storage=file://here", "--benchmark-enable"),
    ],
)
def test_tables_of_every_problem_are_not_shown_unasked(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    assert is_quiet(*words)
    assert not is_quiet(*words, there=False)


@pytest.mark.parametrize(
    "option",
    ["verbose", "columns=median", "sort=name", "group-by=param", "json=x.json", "compare", "compare=0001", "save=x"],
)
def test_any_of_its_options_brings_them_wherever_it_is_given(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    word = f"--benchmark-{option}"
    assert not is_quiet("--benchmark-only", word)
    assert not is_quiet("--benchmark-only", addopts=("-q", word))
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-q {word}")
    assert not is_quiet("--benchmark-only")
