"""What ``compare --against REF`` is asked for: its options, with what a recorded run fills in."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.cores import DEFAULT_BUDGET
from pointwise_bench.common.fail_on import FailOn
from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.common.option_types import share
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.comparing.places import BEFORE

NAME: Final = "pointwise-bench compare --against"

_DESCRIPTION: Final = f"""\
Measures this version and that of REF, a commit, tag or branch, in the same rounds of one run: the other version's
backends are measured under their names with {BEFORE} at the end, each in processes of its own. Only what was paired in
this way can gate a change.

What is compared: with --plugin the backends of that plugin, whose file lies in a git repository; else the project's
own backends of which any code differs, or those that --backend names. REF's files are laid out in a folder of their
own; the repository is only read. Where REF's pyproject.toml asks for packages that are not here, and this version's
does not, they go into an environment of its own under --results. Harness, gate and contract are this version's.

What is slower is measured again, in another run with new starts of both, and is called slower where it is so twice.

With RUN, what that run measured is measured again: its layers, threads, backends and plugins, as far as no option names
others.
"""
_EXAMPLES: Final = """\
examples:
  pointwise-bench compare --against main --plugin my_backend.py --shapes resnet50_v1.5 --fail-on slower
  pointwise-bench compare --against HEAD~1 --backend numba-microkernel --shapes basics --threads 1
  pointwise-bench compare results/MACHINE/TIME --against v0.1 --fail-on slower:5

exit codes: 0 compared, and nothing that --fail-on names; 1 what --fail-on names, or nothing compared; {bad} bad input
"""


def parser() -> argparse.ArgumentParser:
    """Of the options."""
    keep = argparse.RawDescriptionHelpFormatter
    made = OneLineParser(
        prog="pointwise-bench compare",
        description=_DESCRIPTION,
        epilog=_EXAMPLES.format(bad=USAGE_ERROR),
        formatter_class=keep,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("run", nargs="?", type=Path, metavar="RUN", help="a recorded run, whose selection is measured again")
    add("--against", required=True, metavar="REF", help="the other version: a commit, tag or branch of the repository")
    add("--plugin", action="append", metavar="WHAT", help="PATH.py or package.module, in a git repository (repeatable)")
    add("--backend", action="append", metavar="PATTERN", help="only backends that match (repeatable)")
    add("--shapes", action="append", metavar="PATTERN_OR_FILE", help="as in `pointwise-bench run` (repeatable)")
    add("--threads", action="append", metavar="N", help=f"a thread budget (repeatable); default: {DEFAULT_BUDGET}")
    add(
        "--time-budget",
        metavar="T",
        help="e.g. 3m, for each of the two runs where a second is needed; default: "
        "as many starts as decide it, at most six",
    )
    add("--timeout", metavar="T", help="per backend and problem (default: 60s)")
    add("--seed", metavar="N", help="of the order of turns; default: a new one")
    add(
        "--results",
        type=Path,
        default=Path("results") / "against",
        metavar="DIR",
        help="where the run and environments are kept (default: results/against, where no report or wisdom of all runs "
        "looks: of two versions of one backend neither is a choice)",
    )
    add(
        "--build",
        metavar="COMMAND",
        help="a shell command that builds REF's version, run in the top folder of its files",
    )
    add("--summary", type=Path, metavar="FILE", help="append the table of verdicts to FILE, in Markdown")
    add("--margin", type=share, default=MARGIN, help=f"a change within this share is none (default: {MARGIN:g})")
    add(
        "--fail-on",
        type=FailOn.parse,
        default=FailOn(),
        metavar="WHAT",
        help="what ends with exit code 1: nothing (default); broken: a lost valid result; slower: that or a backend "
        "that is surely slower, on a layer or a whole network; slower:PERCENT: by more than that",
    )
    return made


def filled_in(options: argparse.Namespace, recorded: dict[str, Any]) -> None:
    """What no option names, as a run's ``options`` have it."""
    options.plugin = options.plugin or [str(one) for one in recorded.get("plugins") or ()]
    options.shapes = options.shapes or [str(one) for one in recorded.get("shapes") or ()]
    options.threads = options.threads or [str(one) for one in recorded.get("threads") or ()]
    names = [str(one) for one in recorded.get("backends") or ()]
    options.backend = options.backend or [one for one in names if not one.endswith(BEFORE)]


def words_of_run(options: argparse.Namespace, names: Sequence[str], shapes: Sequence[str] | None = None) -> list[str]:
    """The arguments of ``pointwise-bench run`` that measure ``names``, on other ``shapes`` where they are given."""
    given = [("--plugin", one) for one in options.plugin or ()]
    given += [("--backend", name) for name in names]
    given += [("--shapes", one) for one in (options.shapes or () if shapes is None else shapes)]
    given += [("--threads", one) for one in options.threads or ()]
    single = {"--time-budget": options.time_budget, "--timeout": options.timeout, "--seed": options.seed}
    given += [(name, value) for name, value in single.items() if value is not None]
    words = [word for name, value in given for word in (f"{name}={value}",)]
    # A screening would leave out whoever cannot be the fastest of all: here each is held against itself.
    return [*words, f"--results={options.results}", *(["--full"] if options.time_budget is not None else [])]
