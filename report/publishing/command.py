"""The command ``pointwise-bench publish``: the site of all runs, or whether runs may be contributed to it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pointwise_bench.common.formats import RUN_FILE, USAGE_ERROR
from pointwise_bench.common.garbage import seldom_searched
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.report.reading.errors import ReportError, too_much

if TYPE_CHECKING:
    from pointwise_bench.report.publishing.admission import Rules

_NAME: Final = "pointwise-bench publish"
_HELP: Final = """\
Makes the site of everything under results/: an index (date, machine, coverage, how far each run can be trusted), the
report of every run, the history of every machine, and a badge for each network. It needs no server: open index.html.

With --check it writes nothing, and says of each RUN whether it may be contributed: that its files can be read and agree
with each other (schema), that every time has an error within its bound (gate), that its ceilings are a machine's, that
no cell is above its roof, that what it says of its controls is right, and that it was measured by the rules of this
version, among which are no constants of planning, such as how often what is measured.
"""
_EXAMPLES: Final = f"""\
examples:
  pointwise-bench publish --out site                     all runs under results/
  pointwise-bench publish --check results/MACHINE/TIME   yes or no, with the reasons

exit codes: 0 published, or all may be contributed; 1 a RUN may not be, or there is none; {USAGE_ERROR} bad input
"""


def main(arguments: Sequence[str], rules: Rules) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with seldom_searched():
            return _check(options.runs, rules) if options.check else _publish(options, rules)
    except ReportError as error:
        sentence = str(error)
    except OSError as error:
        sentence = f"{error}; name another place to write to"
    except (MemoryError, RecursionError) as error:
        sentence = too_much(error)
    print(f"{_NAME}: {sentence}", file=sys.stderr)
    return USAGE_ERROR


def _publish(options: argparse.Namespace, rules: Rules) -> int:
    from pointwise_bench.report.publishing.publication import publish

    if options.out is None:
        raise ReportError("name the folder of the site with --out DIR")
    folders = options.runs or [path.parent for path in options.results.glob(f"*/*/{RUN_FILE}")]
    if not folders:
        raise ReportError(f"{options.results}: holds no run (<machine>/<UTC time>/run.json)")
    page, count = publish(folders, options.out, rules, lambda line: print(f"left out: {line}", file=sys.stderr))
    print(page)
    return int(count == 0)


def _check(folders: Sequence[Path], rules: Rules) -> int:
    from pointwise_bench.report.pages.run_analysis import analyse
    from pointwise_bench.report.publishing.admission import Check, checks_of
    from pointwise_bench.report.reading.run import load_run

    if not folders:
        raise ReportError("--check needs a RUN")
    refused = 0
    for folder in folders:
        try:
            checks = checks_of(analyse(load_run(folder)), rules)
        except ReportError as error:
            checks = [Check("schema", str(error))]
        faults = [f"{name}: {fault}" for name, fault in checks if fault]
        refused += bool(faults)
        held = ", ".join(name for name, fault in checks if not fault)
        print(f"{'no' if faults else 'yes'}: {folder}: {'; '.join(faults) or f'{held} hold'}")
    return int(refused > 0)


def _parser() -> argparse.ArgumentParser:
    keep = argparse.RawDescriptionHelpFormatter
    parser = OneLineParser(prog=_NAME, description=_HELP, epilog=_EXAMPLES, formatter_class=keep, allow_abbrev=False)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run folders (default: all under --results)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the site is written")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="where runs are sought")
    parser.add_argument("--check", action="store_true", help="say of each RUN whether it may be contributed")
    return parser
