"""``pointwise-bench run``: measure, report, and print where the page is; in any folder, with or without a checkout."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.common.requirements import require_all
from pointwise_bench.report.__main__ import main as report
from pointwise_bench.run_options import OptionsCheck, help_parser
from pointwise_bench.suites import pytest_plugin

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis

SUITES: Final = Path(pytest_plugin.__file__).parent
TIMED: Final = tuple(str(SUITES / f"test_{name}.py") for name in ("networks", "sweeps", "claims"))

# What pytest would take from the current folder and the environment (configuration, other plugins, a cache) has nothing
# to do with measuring: the suites bring what they need, and write where they are told to.
_PYTEST: Final = (
    *("--benchmark-only", "--no-header"),
    *("-c", str(SUITES / "run.ini"), "-p", "no:cacheprovider", "-p", "pytest_benchmark.plugin"),
)


class WhatWasRun:
    """A pytest plugin that keeps what the session has left behind: the folder of its run, and the analysis of it."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.analyses: list[RunAnalysis] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Ask when everything else is done."""
        self.folder = pytest_plugin.folder_of(config)
        found = config.stash.get(pytest_plugin.ANALYSIS, None)
        self.analyses = [] if found is None else [found]


class _NoFileNames:
    """A pytest plugin for a run from any folder: of a file that lies outside of it pytest shows a full stop."""

    @staticmethod
    def pytest_sessionstart(session: pytest.Session) -> None:
        """Once there is somebody who would show them."""
        if (reporter := session.config.pluginmanager.getplugin("terminalreporter")) is not None:
            reporter.showfspath = False


def main(arguments: Sequence[str]) -> int:
    """Measure what ``arguments`` select, write the report of it, and return the worse of the two exit codes."""
    if {"-h", "--help"} & set(arguments):
        print(help_parser().format_help())
        return 0
    try:
        arguments = _with_layers_of_models(arguments)
    except ValueError as error:  # HarvestError is one; its message is a line
        print(f"pointwise-bench run: {error}", file=sys.stderr)
        return USAGE_ERROR
    code, left = measured(arguments)
    return code if left.folder is None else max(code, report([str(left.folder)], left.analyses))


def measured(arguments: Sequence[str]) -> tuple[int, WhatWasRun]:
    """Measure what ``arguments`` select: the exit code of the session, and what it has left behind.

    A process that measures a second time has a new time budget for that: :data:`pytest_plugin.BEGAN`.
    """
    require_all()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    left = WhatWasRun()
    stored = Path(".benchmarks")  # by pytest-benchmark, as it begins, whether or not it is asked to keep anything
    was_there = stored.exists()
    words = [*_PYTEST, f"--rootdir={Path.cwd()}", *TIMED, *arguments]
    code = int(pytest.main(words, plugins=[pytest_plugin, OptionsCheck(), _NoFileNames(), left]))
    if not was_there:
        with suppress(OSError):  # it holds what was asked for, or lies elsewhere
            stored.rmdir()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a session that was interrupted; its report may be, too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return code, left


def _with_layers_of_models(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments with a file of layers in the place of ``--model``; the file is left in the current folder."""
    if not any(word.partition("=")[0] == "--model" for word in arguments):
        return arguments
    # Imported here: whoever names no model needs none of it.
    from pointwise_bench.harvest import command

    asked, rest = _model_parser().parse_known_args(list(arguments))
    return [*rest, *(word for model in asked.model for word in ("--shapes", str(command.beside(model, asked))))]


def _model_parser() -> argparse.ArgumentParser:
    from pointwise_bench.harvest.command import add_options

    parser = OneLineParser("pointwise-bench run", add_help=False, allow_abbrev=False)
    parser.add_argument("--model", action="append", default=[])
    add_options(parser.add_argument)
    return parser
