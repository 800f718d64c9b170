"""What the suites add to pytest: the hooks of a session and the fixtures of its tests. ``suites/harness`` measures.

The options are in ``command_line``, what is collected in ``collecting``, what is printed in ``terminal``.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pointwise_bench.backends import UnknownPluginError, registry
from pointwise_bench.common.requirements import first_missing
from pointwise_bench.suites.catalogue import CatalogueError, select
from pointwise_bench.suites.collecting import (
    pytest_collection,
    pytest_collection_modifyitems,
    pytest_generate_tests,
    pytest_ignore_collect,
)
from pointwise_bench.suites.command_line import add_options, measures, options_of, with_broken_plugins
from pointwise_bench.suites.entry_point import is_of_suites
from pointwise_bench.suites.harness.machine.process_age import process_age_s
from pointwise_bench.suites.harness.record.json_lines import HOW_TO_GO_ON, CannotRecord
from pointwise_bench.suites.harness.record.text import one_line
from pointwise_bench.suites.harness.run.options import BadOption
from pointwise_bench.suites.harness.worker.plugin_loading import declarations
from pointwise_bench.suites.stash import COLLECTED, GROUPS, OPTIONS, SESSION, SHORTFALLS
from pointwise_bench.suites.terminal import (
    ANALYSIS,
    announcer,
    debugger,
    pytest_report_teststatus,
    pytest_terminal_summary,
)

if TYPE_CHECKING:
    from pointwise_bench.suites.harness.run.session import Session
    from pointwise_bench.suites.harness.run.untimed.untimed_backends import UntimedBackends

# Hooks that stand in modules of their own, which pytest looks for here, and what a caller of pytest needs.
__all__ = [
    "ANALYSIS",
    "SESSION",
    "add_options",
    "pytest_collection",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
    "pytest_ignore_collect",
    "pytest_report_teststatus",
    "pytest_terminal_summary",
]

# A time budget counts from the command, not from the first measurement.
BEGAN = time.monotonic() - process_age_s()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options; all of pytest-benchmark's own keep working beside them."""
    add_options(parser.getgroup("pointwise-bench", "which 1x1 convolution is right and fastest here").addoption)


def pytest_configure(config: pytest.Config) -> None:
    """Read every option before anything is collected: a mistake is answered by one line at once."""
    config.addinivalue_line("markers", "claims: a timed test of what a 1x1 convolution buys")
    config.addinivalue_line("markers", "shapes(*kinds): kinds of shape groups that a timed test takes")
    # A cell that failed has no timing to hand to the fixture; the test's own failure says why.
    unused = "Benchmark fixture was not used:pytest_benchmark.logger.PytestBenchmarkWarning"
    config.addinivalue_line("filterwarnings", f"ignore:{unused}")
    if (sentence := first_missing()) is not None:
        raise pytest.UsageError(sentence)
    try:
        config.stash[OPTIONS] = options_of(config)
        if not config.stash[OPTIONS].in_process:
            registry.load_elsewhere(declarations)
        elif config.getoption("usepdb"):
            from pointwise_bench.suites.harness.worker.in_process import look_at_failures

            look_at_failures(debugger(config))
        for plugin in config.stash[OPTIONS].plugins:
            registry.add_plugin(plugin)
        config.stash[GROUPS] = groups = select(config.stash[OPTIONS].shapes)
        models = {group.name: group.model.table() for group in groups if group.model is not None}
        config.stash[OPTIONS] = replace(with_broken_plugins(config.stash[OPTIONS]), models=models)
    except (BadOption, CatalogueError, UnknownPluginError) as error:
        raise pytest.UsageError(str(error)) from error


# --- a run --------------------------------------------------------------------------------------------------------


def pytest_collection_finish(session: pytest.Session) -> None:
    """Plan the run from the tests that were selected: ``-k``, ``--lf`` and node ids included."""
    # pytest comes here after a Ctrl-C, too, or an error, with what it had collected by then.
    if session.config.option.collectonly or COLLECTED not in session.config.stash:
        return
    from pointwise_bench.suites.harness.record.cell import Place
    from pointwise_bench.suites.harness.run.pytest_benchmark_adapter import leave_tables_out
    from pointwise_bench.suites.harness.run.session import Session

    if all(
        map(is_of_suites, {item.path for item in session.items if "benchmark" in getattr(item, "fixturenames", ())})
    ):
        leave_tables_out(session.config)
    run_session = Session(session.config.stash[OPTIONS], announcer(session.config), BEGAN)
    for item in session.items:
        if item.get_closest_marker("shapes"):
            parameters: dict[str, Any] = item.callspec.params  # type: ignore[attr-defined]
            layer = parameters["layer"]
            place = Place(parameters["group"].name, layer.name, layer.count)
            run_session.plan(layer.problem, parameters["threads"], parameters["backend_name"], place)
        elif item.get_closest_marker("claims"):
            parameters = item.callspec.params  # type: ignore[attr-defined]
            run_session.plan_claim(parameters["claim"], parameters["threads"], parameters["backend_name"])
    session.config.stash[SESSION] = run_session
    _tell_broken_plugins(session.config)
    try:
        if measures(session.config):
            run_session.hold_machine()
            _heed_one_interrupt(session.config)
        if session.config.stash[OPTIONS].resume:
            run_session.resume()
    except BadOption as error:
        raise pytest.UsageError(str(error)) from error


def _tell_broken_plugins(config: pytest.Config) -> None:
    """Name each ``--plugin`` that could not be loaded, and why: its author waits for its results."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    for name in registry.unloadable(config.stash[OPTIONS].plugins):
        if reporter is not None:
            reporter.ensure_newline()
            file = Path(registry.source(name).location).name
            reporter.write_line(f"plugin not taken: {one_line(f'{file}: {registry.get(name).missing()}')}")


def _heed_one_interrupt(config: pytest.Config) -> None:
    """The first Ctrl-C ends the run, which takes a moment; further ones would end that moment, in a traceback."""
    if config.getoption("usepdb") or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)

    def restore() -> None:
        if signal.getsignal(signal.SIGINT) is interrupt:  # once it was heeded, the process is about to end
            signal.signal(signal.SIGINT, signal.default_int_handler)

    config.add_cleanup(restore)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Report a timed test of which there is nothing to show as skipped, without its fixtures.

    A run has thousands of such tests: of backends that lack something here, or of problems that a time budget did not
    reach. Setting up and tearing down the fixtures of all of them took ten seconds. The last test of a module runs as
    usual: with it the module's own fixtures are torn down.
    """
    run_session = item.config.stash.get(SESSION, None)
    if run_session is None or not item.get_closest_marker("shapes"):
        return None
    if nextitem is None or nextitem.parent is not item.parent:
        return None
    asked: dict[str, Any] = item.callspec.params  # type: ignore[attr-defined]
    reason = run_session.skipped(asked["layer"].problem, asked["threads"], asked["backend_name"])
    if reason is None:
        return None
    path, line, _ = item.location
    where = (path, line or 0, f"Skipped: {reason}")
    keywords: dict[str, Literal[1]] = dict.fromkeys(item.keywords, 1)
    report = pytest.TestReport(item.nodeid, item.location, keywords, "skipped", where, "setup")
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the workers and complete ``run.json``, also after Ctrl-C: what was measured is on disk already.

    A session that went well in pytest's eyes fails where its run did not.
    """
    run_session = session.config.stash.get(SESSION, None)
    if run_session is None:
        return
    found = session.config.stash[SHORTFALLS] = []
    try:
        run_session.finish()
        if (account := run_session.account) is not None:
            found += account.shortfalls(interrupted=session.exitstatus == pytest.ExitCode.INTERRUPTED)
    except CannotRecord as refused:
        found.append(f"{refused}; {HOW_TO_GO_ON}")
    if found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def folder_of(config: pytest.Config) -> Path | None:
    """Where the run of this session was written; None where nothing was measured."""
    run_session = config.stash.get(SESSION, None)
    return None if run_session is None or run_session.run_folder is None else run_session.run_folder.folder


# --- fixtures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def run_session(pytestconfig: pytest.Config) -> Session:
    """The session whose run holds the results of the timed tests."""
    return pytestconfig.stash[SESSION]


@pytest.fixture(scope="session")
def untimed_backends(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[UntimedBackends]:
    """Backends in worker processes, for the untimed tests."""
    from pointwise_bench.suites.harness.run.untimed.untimed_backends import UntimedBackends

    options = pytestconfig.stash[OPTIONS]
    backends = UntimedBackends(tmp_path_factory.mktemp("workers"), options)
    yield backends
    backends.close()
