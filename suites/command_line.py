"""The options of a session: how each is declared, and what was given read and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from glob import escape
from typing import Any, TypeVar

import pytest

from pointwise_bench.backends import registry
from pointwise_bench.common.cores import DEFAULT_BUDGET, available_cores, default_threads
from pointwise_bench.common.formats import CACHES
from pointwise_bench.suites.harness.run.options import (
    BadOption,
    Options,
    matching,
    parse_duration,
    parse_folder,
    parse_seed,
    parse_threads,
)

T = TypeVar("T")


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
    add(
        "--threads",
        action="append",
        default=[],
        metavar="N",
        help=f"a thread budget (repeatable); default: {DEFAULT_BUDGET}",
    )
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


def options_of(config: pytest.Config) -> Options:
    """What was given. ``BadOption`` for what cannot be meant."""
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
        results=parse_folder(option("--results"), measures=measures(config)),
        resume=option("--resume"),
        in_process=option("--in-process"),
        full=option("--full"),
        cache=option("--cache"),
        seed=_given(option("--seed"), parse_seed),
    )


def measures(config: pytest.Config) -> bool:
    """Whether timed tests will be run and their numbers kept."""
    without = ("--benchmark-skip", "--benchmark-disable", "collectonly")
    return not any(config.getoption(name) for name in without)


def _given(text: str | None, parse: Callable[[str], T]) -> T | None:
    """None only where an option was not given: given empty, it is a mistake, such as a variable that was never set."""
    return None if text is None else parse(text)


def with_broken_plugins(options: Options) -> Options:
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
