"""Hands the times of a worker to pytest-benchmark, for its statistics, its tables on request and its JSON."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any, Final, TypeVar

import pytest

from pointwise_bench.common.status import SKIPPED
from pointwise_bench.suites.harness.claims.claim_file import ClaimResult
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.ended import NOTHING_LEFT
from pointwise_bench.suites.harness.record.json_lines import HOW_TO_GO_ON, CannotRecord
from pointwise_bench.suites.harness.run.session import BudgetSpent

T = TypeVar("T")

SAMPLES = ("samples_s", "branches_s", "device_samples_s", "canary_s", "process", "round")

# Options of pytest-benchmark that say nothing of what is shown.
_NOT_OF_TABLES: Final = frozenset(f"--benchmark-{name}" for name in ("only", "skip", "disable", "enable", "storage"))


def leave_tables_out(config: pytest.Config) -> None:
    """Have pytest-benchmark show no table, unless one of its own options asks for something to be shown or saved.

    It has one for each problem, a thousand lines in all, behind which the answer would be lost. Everything else that it
    does is done: statistics, JSON, comparisons.
    """
    given = {word.partition("=")[0] for word in _words(config) if word.startswith("--benchmark-")}
    benchmarks: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    if benchmarks is not None and given <= _NOT_OF_TABLES:
        benchmarks.quiet = True


def _words(config: pytest.Config) -> Iterable[str]:
    """Of the command line, the configuration and the environment, as pytest reads them."""
    return map(
        str,
        (*config.invocation_params.args, *config.getini("addopts"), *shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))),
    )


class MeasuredClock:
    """A timer that advances by the seconds that a worker has measured, and by nothing else.

    pytest-benchmark takes a timer by marker and uses it in ``pedantic`` mode: with this one it reads, round by round,
    what was measured in another process.
    """

    __name__ = "measured_seconds"  # shown in pytest-benchmark's JSON

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:  # noqa: D102  # a timer is called for the time
        return self._now_s

    def restart(self) -> None:
        """Go back to zero: sums stay small, so that a microsecond keeps all its digits."""
        self._now_s = 0.0

    def advance(self, seconds: float) -> None:
        """Add ``seconds`` to the time."""
        self._now_s += seconds


CLOCK = MeasuredClock()


def report_cell(measure: Callable[[], Cell], benchmark: Any) -> None:
    """Report a cell as the result of the running test: a timing, a skip with its reason, or an expected failure."""
    if benchmark.disabled:
        pytest.skip("timing is switched off (--benchmark-disable)")
    cell = _measured(measure)
    benchmark.group = f"{cell.group} {cell.name} ({cell.problem}, threads: {cell.threads})"
    benchmark.extra_info.update({name: value for name, value in vars(cell).items() if name not in SAMPLES})
    if cell.status in SKIPPED:
        pytest.skip(f"{cell.status}: {cell.reason}")
    if cell.status != "ok":
        # Not a failure: finding that out is what the run is for. The summary and the report say so; a wrong backend
        # fails the untimed tests.
        pytest.xfail(f"{cell.backend} on {cell.problem}: {cell.status}: {cell.reason}")
    samples = iter(cell.samples_s)
    CLOCK.restart()
    benchmark.pedantic(lambda: _advance(samples), rounds=len(cell.samples_s), iterations=1)


def report_claim(measure: Callable[[], ClaimResult], benchmark: Any) -> None:
    """The same for a claim: its times are those of the last variant; the report compares it with the others."""
    if benchmark.disabled:
        pytest.skip("timing is switched off (--benchmark-disable)")
    result = _measured(measure)
    benchmark.group = f"claim {result.claim} (threads: {result.threads})"
    benchmark.extra_info.update({name: value for name, value in asdict(result).items() if name not in SAMPLES})
    if result.status in SKIPPED:
        pytest.skip(f"{result.status}: {result.reason}")
    if result.status != "ok":
        pytest.xfail(f"{result.backend} on {result.claim}: {result.status}: {result.reason}")
    samples = list(result.samples_s.values())[-1]
    CLOCK.restart()
    rest = iter(samples)
    benchmark.pedantic(lambda: _advance(rest), rounds=len(samples), iterations=1)


def _measured(measure: Callable[[], T]) -> T:
    """The result; a skip where no time was left for it, and the end of the session where nothing can be recorded."""
    try:
        return measure()
    except BudgetSpent as spent:
        pytest.skip(str(spent))
    except CannotRecord as refused:
        pytest.exit(f"{refused}; {HOW_TO_GO_ON}", returncode=pytest.ExitCode.TESTS_FAILED)
    except OSError as lacking:
        if lacking.errno not in NOTHING_LEFT:
            raise  # a fault of this program's, of which the traceback tells
        pytest.exit(f"the run cannot go on: {lacking}; {HOW_TO_GO_ON}", returncode=pytest.ExitCode.TESTS_FAILED)


def _advance(samples: Iterator[float]) -> None:
    # pytest-benchmark calls once more than it has rounds when it profiles; that call takes no measured time.
    CLOCK.advance(next(samples, 0.0))
