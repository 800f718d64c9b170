"""What a session says in the terminal: lines while it measures, and at its end what it came to."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pointwise_bench.suites.command_line import measures
from pointwise_bench.suites.entry_point import is_of_suites
from pointwise_bench.suites.stash import SESSION, SHORTFALLS, TIMED

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis

ANALYSIS: Final[pytest.StashKey[RunAnalysis]] = pytest.StashKey()  # of the run that was answered for


def announcer(config: pytest.Config) -> Callable[[str], None]:
    """A function that writes a line to the terminal at once, past the capturing of the test that is running."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")

    def announce(line: str) -> None:
        if reporter is not None and config.get_verbosity() >= 0:
            with nullcontext() if capture is None else capture.global_and_fixture_disabled():
                try:
                    reporter.ensure_newline()
                    reporter.write_line(line)
                except BrokenPipeError:
                    _say_that_nobody_listens()
                    raise

    return announce


def debugger(config: pytest.Config) -> Callable[[Exception], None]:
    """A function that stops where an exception was raised, as ``--pdb`` asks.

    pytest's own stops where a test fails: that is long after, and a backend that fails is a result and no failed test.
    """
    capture = config.pluginmanager.getplugin("capturemanager")

    def stop(error: Exception) -> None:
        import pdb

        if capture is not None:
            capture.suspend(in_=True)
        try:
            print(f"{type(error).__name__}: {error}")
            pdb.post_mortem(error.__traceback__)
        finally:
            if capture is not None:
                capture.resume()

    return stop


def _say_that_nobody_listens() -> None:
    """Where there is still somebody: a pipe such as ``| head`` has taken what it wanted, and the run ends with it."""
    line = (
        "pointwise-bench: nobody reads the output any more; what was measured is kept, and --resume goes on with it\n"
    )
    with suppress(OSError):
        os.write(2, line.encode())


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """No letter for a timed test that has passed or was skipped: a run has thousands, and says a line a problem.

    A time budget reaches a few problems, so that fifty lines of `s` had stood behind those that said something. Tests
    are counted as ever. Asked for more (`-v`) pytest shows the word; asked for less (`-q`) the run is silent, and the
    letters are all that is left. Whatever failed, be it as expected, has its letter.
    """
    if hasattr(report, "wasxfail") or config.get_verbosity() < 0 or not measures(config):
        return None
    # The names of folders are keywords, too: a test of somebody else's may lie in one that is called `claims`.
    if not (any(mark in report.keywords for mark in TIMED) and is_of_suites(config.rootpath / report.location[0])):
        return None
    if report.skipped:
        return "skipped", "", "SKIPPED"
    return ("passed", "", "PASSED") if report.passed and report.when == "call" else None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what the correctness suite has counted, where the time went, and where the results are."""
    from pointwise_bench.suites.correctness.counts import lines

    if counts := list(lines(report for reports in terminalreporter.stats.values() for report in _reports(reports))):
        terminalreporter.section("correctness suite")
        for line in counts:
            terminalreporter.write_line(line)
    run_session = config.stash.get(SESSION, None)
    account = None if run_session is None else run_session.account
    if account is not None:
        terminalreporter.section("pointwise-bench")
        answer = _answer(config, account.run_folder.folder)
        shortfalls = config.stash.get(SHORTFALLS, [])
        for line in (*account.summary(), *answer, *shortfalls, *account.what_next()):
            terminalreporter.write_line(line)


def _answer(config: pytest.Config, folder: Path) -> list[str]:
    """Who is fastest on each network, by the analysis of the report, which is kept for whoever writes the page."""
    from pointwise_bench.report.pages.run_analysis import analyse
    from pointwise_bench.report.pages.terminal_table import terminal_table
    from pointwise_bench.report.reading.errors import ReportError
    from pointwise_bench.report.reading.run import load_run

    try:
        config.stash[ANALYSIS] = analyse(load_run(folder))
    except ReportError as error:
        return [f"no answer: {error}"]
    return terminal_table(config.stash[ANALYSIS])


def _reports(entries: list[Any]) -> list[pytest.TestReport]:
    """Those entries of pytest's statistics that are reports of tests: warnings are counted there, too."""
    return [each for each in entries if isinstance(each, pytest.TestReport)]
