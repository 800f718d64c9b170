"""``pointwise-bench recommend``: what to use for which shape on this machine, by what evidence, and its regret."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.wisdom.entries import WHYS, Wisdom, WisdomEntry
from pointwise_bench.wisdom.here import PLACE, usual_place, why_not_here
from pointwise_bench.wisdom.refusal import WisdomRefused

_PROGRAM: Final = "pointwise-bench recommend"
_HELP: Final = """\
Makes the wisdom of a machine from its runs: for each layer that was measured the backend to use, the simpler one of
those that are equally fast, with its ratio and interval over the next. `pointwise_bench.plan` reads the file and plans
layers by it, also such as were not measured; the regret says what that costs, each measured shape held back in turn.
"""
_EXAMPLES: Final = """\
examples:
  pointwise-bench recommend                              a table of the newest run under results/
  pointwise-bench recommend --out wisdom.json            and the file, for plan(..., wisdom="wisdom.json")
  pointwise-bench recommend RUN_A RUN_B --out wisdom.json  of two runs; where both have a layer, of the later one

`plan` looks for the file that {place} names, then for ~/.local/share/pointwise-bench/wisdom.json.

exit codes: 0 done, {bad} bad input
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _recommend(options.runs, options.results, options.out)
    except (ReportError, WisdomRefused) as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0


def _recommend(folders: Sequence[Path], results: Path, out: Path | None) -> None:
    # Imported here: --help answers at once.
    from pointwise_bench.report.reading.run import load_run, newest_run
    from pointwise_bench.wisdom.from_runs import wisdom_of
    from pointwise_bench.wisdom.regret import held_back, of_default
    from pointwise_bench.wisdom.wisdom_file import write_wisdom

    runs = [load_run(folder) for folder in folders or [newest_run(results)[0]]]
    for run in runs:
        for defect in run.defects:
            print(f"note: {run.folder}: left out: {defect}", file=sys.stderr)
    wisdom = wisdom_of(runs)
    for line in table(wisdom):
        print(line)
    regret, default = held_back(wisdom), of_default(wisdom)
    print(f"\nRegret on shapes that are held back: {regret.said}.")
    print(f"Without wisdom, by the rule: {default.said}.")
    for threads in wisdom.thread_budgets():
        if sentence := why_not_here(wisdom, threads):
            print(f"note: not for this machine as it is: the wisdom {sentence}", file=sys.stderr)
            break
    if out is not None:
        names = [run.name for run in runs]
        write_wisdom(wisdom, out, runs=names, regret=regret.said, regret_of_default=default.said)
        print(f"{out}: plan(..., wisdom={str(out)!r}), or put it at {usual_place()}")


def table(wisdom: Wisdom) -> Iterator[str]:
    """One line for each entry, and one for each backend that is recommended."""
    rows = [("problem", "threads", "use", "over the next", "", "evidence", "why"), *map(_row, wisdom.entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    counts = Counter(entry.backend for entry in wisdom.entries)
    yield ""
    yield f"{wisdom.machine}: " + ", ".join(f"{backend} on {count}" for backend, count in counts.most_common())


def _row(entry: WisdomEntry) -> tuple[str, ...]:
    head = (entry.problem.id, str(entry.threads), entry.backend)
    other = entry.next
    if other is None:
        return (*head, "-", "", entry.run, WHYS[entry.why])
    ratio = f"{other.ratio:.2f} [{other.low:.2f}, {other.high:.2f}]"
    starts = f"{other.starts} start{'s' * (other.starts != 1)}"
    return (*head, ratio, other.backend, f"{other.rounds} rounds, {starts}, {entry.run}", WHYS[entry.why])


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=_PROGRAM,
        description=_HELP,
        epilog=_EXAMPLES.format(place=PLACE, bad=USAGE_ERROR),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="run folders (default: under --results, the one that began last)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the wisdom there; without it only the table")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    return parser
