"""What the suites add to pytest: options, parametrisation, fixtures, the summary. ``suites/harness`` measures."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pointwise_bench.backends import UnknownPluginError, registry
from pointwise_bench.common.cores import available_cores
from pointwise_bench.common.formats import CACHES
from pointwise_bench.common.requirements import first_missing
from pointwise_bench.suites.catalogue import CatalogueError, Group, select
from pointwise_bench.suites.entry_point import is_of_suites
from pointwise_bench.suites.harness.machine.cpu_quota import default_threads
from pointwise_bench.suites.harness.machine.process_age import process_age_s
from pointwise_bench.suites.harness.record.json_lines import HOW_TO_GO_ON, CannotRecord
from pointwise_bench.suites.harness.record.text import one_line
from pointwise_bench.suites.harness.run.options import (
    BadOption,
    Options,
    matching,
    parse_duration,
    parse_folder,
    parse_seed,
    parse_threads,
)
from pointwise_bench.suites.harness.worker.plugin_loading import declarations

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.suites.harness.run.session import Session
    from pointwise_bench.suites.harness.run.untimed import UntimedBackends

# A time budget counts from the command, not from the first measurement.
BEGAN = time.monotonic() - process_age_s()

T = TypeVar("T")

OPTIONS = pytest.StashKey[Options]()
GROUPS = pytest.StashKey[list[Group]]()
SESSION = pytest.StashKey["Session"]()
SHORTFALLS = pytest.StashKey[list[str]]()
ANALYSIS: pytest.StashKey[RunAnalysis] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options; all of pytest-benchmark's own keep working beside them."""
    add_options(parser.getgroup("pointwise-bench", "which 1x1 convolution is right and fastest here").addoption)


def add_options(add: Callable[..., Any]) -> None:
    """Hand every option to ``add``, which takes what ``argparse``'s ``add_argument`` takes."""
    add("--backend", action="append", default=[], metavar="PATTERN", help="only backends that match (repeatable)")
    add(
        "--shapes",
        action="append",
        default=[],
        metavar="PATTERN_OR_FILE",
        help="shape groups by name or pattern, a .toml or .csv of layers, or a problem's id (repeatable); "
        "`pointwise-bench suites` lists the groups",
    )
    add("--threads", action="append", default=[], metavar="N", help="a thread budget (repeatable); default: all cores")
    add(
        "--plugin",
        action="append",
        default=[],
        metavar="WHAT",
        help="a backend: PATH.py or package.module (repeatable)",
    )
    add(
        "--time-budget",
        metavar="T",
        help="the best report that fits, e.g. 90s or 10m: everybody is screened, those who can still win are started "
        "again; whole networks first",
    )
    add(
        "--full",
        action="store_true",
        help="everybody in every pass, whatever the screening of a time budget would say; what a run without one does",
    )
    add("--timeout", default="60s", metavar="T", help="per backend and problem; after it the worker is killed")
    add("--results", default="results", metavar="DIR", help="where runs are written")
    add("--resume", action="store_true", help="go on with the newest unfinished run of the same machine and options")
    add("--in-process", action="store_true", help="no worker processes, for debuggers; not compared with other numbers")
    add(
        "--cache",
        choices=CACHES,
        default="hot",
        help="hot: the inputs of all calls lie within a page of each other; cold: inputs in rotation, larger than "
        "twice the last-level cache",
    )
    add("--seed", metavar="N", help="of the order of turns and of the inputs of claims; default: a new one")


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
        config.stash[OPTIONS] = _options(config)
        if not config.stash[OPTIONS].in_process:
            registry.load_elsewhere(declarations)
        for plugin in config.stash[OPTIONS].plugins:
            registry.add_plugin(plugin)
        config.stash[GROUPS] = select(config.stash[OPTIONS].shapes)
        config.stash[OPTIONS] = _with_broken_plugins(config.stash[OPTIONS])
    except (BadOption, CatalogueError, UnknownPluginError) as error:
        raise pytest.UsageError(str(error)) from error


def _options(config: pytest.Config) -> Options:
    option = config.getoption
    if option("numprocesses", None) and not option("--benchmark-skip"):
        raise BadOption(
            "-n: timed tests measure, and two measurements at once disturb each other; "
            "with --benchmark-skip, which leaves them out, as many processes as you like"
        )
    cores = available_cores()
    return Options(
        shapes=tuple(option("--shapes")),
        backends=tuple(option("--backend")),
        threads=tuple(dict.fromkeys(parse_threads(text, cores) for text in option("--threads")))
        or (default_threads(),),
        plugins=tuple(option("--plugin")),
        time_budget_s=_given(option("--time-budget"), partial(parse_duration, name="--time-budget")),
        timeout_s=parse_duration(option("--timeout"), "--timeout"),
        results=parse_folder(option("--results"), measures=_measures(config)),
        resume=option("--resume"),
        in_process=option("--in-process"),
        full=option("--full"),
        cache=option("--cache"),
        seed=_given(option("--seed"), parse_seed),
    )


def _measures(config: pytest.Config) -> bool:
    """Whether timed tests will be run and their numbers kept."""
    without = ("--benchmark-skip", "--benchmark-disable", "collectonly")
    return not any(config.getoption(name) for name in without)


def _given(text: str | None, parse: Callable[[str], T]) -> T | None:
    """None only where an option was not given: given empty, it is a mistake, such as a variable that was never set."""
    return None if text is None else parse(text)


def _with_broken_plugins(options: Options) -> Options:
    """Where ``--backend`` names what no plugin has declared, add those plugins that could not be loaded.

    Any of them may have had that name. ``BadOption`` where all were loaded.
    """
    unmatched = [pattern for pattern in options.backends if not matching(registry.names(), [pattern])]
    if not unmatched:
        return options
    broken = registry.unloadable(options.plugins)
    if not broken:
        raise BadOption(f"--backend: {registry.unknown(unmatched[0])}")
    return replace(options, backends=(*options.backends, *map(escape, broken)))


# --- collecting ---------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without Python's collector: it would go through thousands of tests again and again, of which none ends.

    Nor does it look at them later, at the end of the session or while something is measured.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the untimed tests where only timed ones are wanted, unless a file of them is named.

    pytest-benchmark would skip each of them, of which there are thousands, after importing what they are made with.
    """
    if not config.getoption("--benchmark-only") or collection_path.suffix != ".py" or not is_of_suites(collection_path):
        return None
    return None if "@pytest.mark.benchmark" in collection_path.read_text(encoding="utf-8") else True


# --- parametrisation ----------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Timed tests: one per layer, thread budget and backend. Other tests that ask for one: one per backend."""
    if not is_of_suites(metafunc.definition.path):
        return  # other tests of the same session have parameters of their own
    options = metafunc.config.stash[OPTIONS]
    names = matching(registry.names(), options.backends)
    marker = metafunc.definition.get_closest_marker("shapes")
    if marker is not None:
        timed = [
            pytest.param(group, layer, threads, name, id=f"{place}:{threads}t:{name}")
            for group in metafunc.config.stash[GROUPS]
            if group.kind in marker.args
            for layer in group.layers
            for place in [f"{group.name}:{layer.name}:{layer.problem}"]  # once for all backends
            for threads in options.threads
            for name in names
        ]
        metafunc.parametrize(("group", "layer", "threads", "backend_name"), timed)
    elif "claim" in metafunc.fixturenames:
        from pointwise_bench.suites.claims import CLAIMS

        wanted = any(group.kind == "claims" for group in metafunc.config.stash[GROUPS])
        claims = [
            pytest.param(claim, threads, name, id=f"{claim.name}:{threads}t:{name}")
            for threads in options.threads
            for name in names
            for claim in (CLAIMS if wanted else ())
        ]
        metafunc.parametrize(("claim", "threads", "backend_name"), claims)
    elif "backend_name" in metafunc.fixturenames:
        # In the scope of a session, pytest puts all tests of a backend side by side: one worker serves them.
        metafunc.parametrize("backend_name", names, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the placeholders that pytest makes where ``--shapes`` selects no group of a kind."""
    unset = [item for item in items if "[NOTSET" in item.name]
    empty = [item for item in unset if item.get_closest_marker("shapes") or item.get_closest_marker("claims")]
    if empty:
        config.hook.pytest_deselected(items=empty)
        items[:] = [item for item in items if item not in empty]


# --- a run --------------------------------------------------------------------------------------------------------


def pytest_collection_finish(session: pytest.Session) -> None:
    """Plan the run from the tests that were selected: ``-k``, ``--lf`` and node ids included."""
    if session.config.option.collectonly:
        return
    from pointwise_bench.suites.harness.record.cell import Place
    from pointwise_bench.suites.harness.run.pytest_benchmark_adapter import leave_tables_out
    from pointwise_bench.suites.harness.run.session import Session

    if all(
        map(is_of_suites, {item.path for item in session.items if "benchmark" in getattr(item, "fixturenames", ())})
    ):
        leave_tables_out(session.config)
    run_session = Session(session.config.stash[OPTIONS], _announcer(session.config), BEGAN)
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
        if _measures(session.config):
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
    report = pytest.TestReport(item.nodeid, item.location, {}, "skipped", where, "setup")
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _announcer(config: pytest.Config) -> Callable[[str], None]:
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


def _say_that_nobody_listens() -> None:
    """Where there is still somebody: a pipe such as ``| head`` has taken what it wanted, and the run ends with it."""
    line = (
        "pointwise-bench: nobody reads the output any more; what was measured is kept, and --resume goes on with it\n"
    )
    with suppress(OSError):
        os.write(2, line.encode())


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
        found += run_session.shortfalls()
    except CannotRecord as refused:
        found.append(f"{refused}; {HOW_TO_GO_ON}")
    if found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def folder_of(config: pytest.Config) -> Path | None:
    """Where the run of this session was written; None where nothing was measured."""
    run_session = config.stash.get(SESSION, None)
    return None if run_session is None or run_session.run_folder is None else run_session.run_folder.folder


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what the correctness suite has counted, where the time went, and where the results are."""
    from pointwise_bench.suites.correctness_counts import lines

    if counts := list(lines(report for reports in terminalreporter.stats.values() for report in _reports(reports))):
        terminalreporter.section("correctness suite")
        for line in counts:
            terminalreporter.write_line(line)
    run_session = config.stash.get(SESSION, None)
    if run_session is not None and run_session.run_folder is not None:
        terminalreporter.section("pointwise-bench")
        answer = _answer(config, run_session.run_folder.folder)
        shortfalls = config.stash.get(SHORTFALLS, [])
        for line in (*run_session.summary(), *answer, *shortfalls, *run_session.what_next()):
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
    from pointwise_bench.suites.harness.run.untimed import UntimedBackends

    options = pytestconfig.stash[OPTIONS]
    backends = UntimedBackends(tmp_path_factory.mktemp("workers"), options)
    yield backends
    backends.close()
