"""The commands `pointwise-bench report` and `pointwise-bench compare`: pages of runs, and two runs side by side."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pointwise_bench.common.at_once import at_once
from pointwise_bench.common.fail_on import FailOn
from pointwise_bench.common.formats import CELLS_FILE, USAGE_ERROR
from pointwise_bench.common.garbage import seldom_searched
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.common.option_types import share
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.reading.errors import ReportError, too_much

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.reading.here import Here
    from pointwise_bench.report.reading.run import Run

_WORTH_SHARING: Final = 4_000_000
"""Bytes of cells from which on several runs are read by several processes; fewer are there in the meantime."""

_REPORT: Final = "pointwise-bench report"
_COMPARE: Final = "pointwise-bench compare"

_REPORT_HELP: Final = """\
Turns runs of the benchmark into pages, tables and a summary:
  index.html       which backend is fastest, by how much and how certain that is
  layers-*.html    everything about each layer, and the command that measures it again
  plots/           the plots of the page
  timings.csv      one row per backend, problem, thread budget and place of the problem
  comparisons.csv  one row per pair of backends on the same problem, with interval and verdict
  summary.md       the answer, the networks and the failures in Markdown
and, where a run measured what a 1x1 convolution buys,
  claims.html      predicted and measured gains
  claims.csv       one row per gain, and per claim that a backend has no gain for
"""
_REPORT_EXAMPLES: Final = """\
examples:
  pointwise-bench report                             the newest run of this machine under results/
  pointwise-bench report results/MACHINE/TIME        that run
  pointwise-bench report RUN_A RUN_B --out both      two runs, each with a page, and an index
  pointwise-bench report --baseline torch-conv2d     speed-ups against a backend of your choice
  pointwise-bench report --splice README.md --picture docs/images/report.svg
                                                     refresh a README and its picture
With --splice, --claims or --picture the page is written only where --out is given, too.
A run that git keeps is only read: its report goes to results/reports/MACHINE/TIME where no --out is given.

exit codes: 0 done, {bad} bad input
"""
_COMPARE_HELP: Final = """\
Prints what became faster or slower from run OLD to run NEW, each backend against itself. The runs did not take turns,
so nothing is paired: a change is called only where even the closest ends of the two medians' intervals differ by more
than the margin, and where both runs have at least {rounds} rounds. Even then it may be the machine's: two runs that are
not paired decide no exit code by their times, whatever --fail-on says: `compare --against REF` measures another version
in the same rounds. A lost valid result needs no pairing.

Runs of two machines, and runs that were measured by different rules (a hot cache and a cold one, another gate,
another version of pointwise-bench), are refused unless that is asked for. What else differs is noted.
"""
_COMPARE_EXAMPLES: Final = """\
examples:
  pointwise-bench compare results/MACHINE/BEFORE results/MACHINE/AFTER
  pointwise-bench compare OLD NEW --margin 0.1        call only changes beyond 10 %

exit codes: 0 compared, and nothing that --fail-on names; 1 what --fail-on names, or nothing to compare; {bad} bad input
"""


def main(arguments: Sequence[str] | None = None, known: Sequence[RunAnalysis] = (), here: Here | None = None) -> int:
    """Run the command line; returns the exit code.

    Runs that are ``known`` are not read and analysed again. Where nobody says what ``here`` is, the newest run of any
    machine is the default.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    compares = words[:1] == ["compare"]
    try:
        with seldom_searched():
            return _compare(words[1:]) if compares else _report(words, known, here)
    except ReportError as error:
        sentence = str(error)
    except OSError as error:
        # Reading is checked where it happens; what is left is a place that cannot be written.
        sentence = f"{error}; name another place to write to"
    except (MemoryError, RecursionError) as error:
        sentence = too_much(error)
    print(f"{_COMPARE if compares else _REPORT}: {sentence}", file=sys.stderr)
    return USAGE_ERROR


def _report(words: Sequence[str], known: Sequence[RunAnalysis], here: Here | None) -> int:
    options = _report_parser().parse_args(words)
    # Imported here, so that --help and a wrong option answer at once: pandas and matplotlib take a second.
    from pointwise_bench.report.analysis.baseline import check_baseline
    from pointwise_bench.report.pages.site import claims_text, readme_text, write_picture, write_site
    from pointwise_bench.report.pages.splice import splice, splice_claims
    from pointwise_bench.report.reading.here import place_of_report

    folders = options.runs or _newest(options.results, here)
    # A run named twice, whichever way, is one run.
    named = {folder.resolve(): folder for folder in folders}
    there = {one.run.folder.resolve(): one for one in known if options.baseline in (None, one.baseline)}
    new = {place: folder for place, folder in named.items() if place not in there}
    analysed = at_once(
        [partial(_analysed, folder, options.baseline) for folder in new.values()],
        worth_it=_size(new.values()) >= _WORTH_SHARING,
    )
    there |= zip(new, analysed, strict=True)
    found = [there[place] for place in named]
    _name_defects(one.run for one in found)
    if options.baseline is not None:
        check_baseline(options.baseline, [one.run for one in found])
    if options.splice is not None:
        splice(options.splice, readme_text(found[0]))
        print(options.splice)
    if options.claims is not None:
        splice_claims(options.claims, claims_text(found[0]))
        print(options.claims)
    if options.picture is not None:
        print(write_picture(found[0], options.picture))
    if options.out is not None or not (options.splice or options.picture or options.claims):
        print(write_site(found, options.out or place_of_report(folders[0], here)))
    return 0


def _analysed(folder: Path, baseline: str | None) -> RunAnalysis:
    from pointwise_bench.report.pages.run_analysis import analyse
    from pointwise_bench.report.reading.run import load_run

    return analyse(load_run(folder), baseline)


def _size(folders: Iterable[Path]) -> int:
    """Of the cells of runs in bytes; a folder without any is named when it is read."""
    files = (folder / CELLS_FILE for folder in folders)
    return sum(file.stat().st_size for file in files if file.is_file())


def _newest(results: Path, here: Here | None) -> list[Path]:
    from pointwise_bench.report.reading.run import newest_run

    folder, passed_over = newest_run(results, here.machine() if here else None)
    for sentence in passed_over:
        _note(sentence)
    _note(f"{folder}: the newest run of {'this machine' if here else 'any machine'}")
    return [folder]


def _name_defects(runs: Iterable[Run]) -> None:
    """Every line that is left out, apart from the output that other programs may read."""
    for run in runs:
        for defect in run.defects:
            _note(f"{run.folder}: left out: {defect}")


def _note(sentence: str) -> None:
    print(f"note: {sentence}", file=sys.stderr)


def _report_parser() -> argparse.ArgumentParser:
    parser = _parser(_REPORT, _REPORT_HELP, _REPORT_EXAMPLES.format(bad=USAGE_ERROR))
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="a run folder, results/<machine>/<UTC time> (default: the newest of this machine under --results)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: report/ in the first RUN)")
    parser.add_argument(
        "--baseline",
        metavar="BACKEND",
        help="speed-ups are against it (default: in each run torch-conv2d, else numpy-matmul, else the backend with "
        "most valid cells, ties by name; one with the word 'naive' in its name only where there is no other)",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="where runs are sought when no RUN is named (default: results)",
    )
    parser.add_argument(
        "--splice",
        type=Path,
        metavar="FILE",
        help="replace the text between the report's markers in FILE by the first RUN's answer and its tables",
    )
    parser.add_argument(
        "--claims",
        type=Path,
        metavar="FILE",
        help="replace the text between the claims' markers in FILE by what the first RUN's claims came to",
    )
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="write the overview picture of the first RUN, an SVG"
    )
    return parser


def _compare(words: Sequence[str]) -> int:
    options = _compare_parser().parse_args(words)
    from pointwise_bench.report.analysis.regression import LEAST_ROUNDS, cells_of_one_run, compare_runs
    from pointwise_bench.report.analysis.run_differences import different_rules, notes
    from pointwise_bench.report.reading.run import load_run

    old, new = load_run(options.old), load_run(options.new)
    _name_defects((old, new))
    across = {"across_machines": options.across_machines, "across_rules": options.across_rules}
    changes = compare_runs(old, new, options.margin, **across)
    for rule in different_rules(old, new):
        print(f"note: measured by different rules: {rule}; the change may be theirs")
    for note in notes(old, new):
        print(f"note: {note}")
    only_old, only_new = cells_of_one_run(old, new)
    if only_old or only_new:
        print(f"note: cells only in the old run: {only_old}; only in the new one: {only_new}")
    if not changes:
        print("nothing to compare: no backend was measured on the same problem and threads in both runs")
        return 1
    for verdict in ("broken", "slower", "faster", "mended"):
        for change in changes:
            if change.verdict == verdict:
                print(f"{verdict}: {change.where}: {change.text}")
    counts = Counter(change.verdict for change in changes)
    print(
        f"{len(changes)} cells in both runs"
        + "".join(f", {count} {verdict}" for verdict, count in sorted(counts.items()))
    )
    if counts["unclear"]:
        print(
            "unclear: the intervals allow a change beyond the margin as well as none, "
            f"or a run has fewer than {LEAST_ROUNDS} rounds; more rounds would tell"
        )
    reasons = Counter(change.text for change in changes if change.verdict == "not compared")
    for reason, count in sorted(reasons.items()):
        print(f"not compared: {count} of the cells: {reason}")
    print(
        "not paired: the two runs took no turns in the same rounds, so no change of a time decides the exit code"
        + (f"; --fail-on {options.fail_on} looked for lost results only" if options.fail_on.what == "slower" else "")
    )
    return int(options.fail_on.what != "nothing" and counts["broken"] > 0)


def _compare_parser() -> argparse.ArgumentParser:
    from pointwise_bench.report.analysis.regression import LEAST_ROUNDS

    description = _COMPARE_HELP.format(rounds=LEAST_ROUNDS)
    parser = _parser(_COMPARE, description, _COMPARE_EXAMPLES.format(bad=USAGE_ERROR))
    parser.add_argument("old", type=Path, metavar="OLD", help="the run folder before")
    parser.add_argument("new", type=Path, metavar="NEW", help="the run folder after")
    parser.add_argument(
        "--margin", type=share, default=MARGIN, help=f"a change within this share is none (default: {MARGIN:g})"
    )
    parser.add_argument(
        "--fail-on",
        type=FailOn.parse,
        default=FailOn(),
        metavar="WHAT",
        help="what ends with exit code 1: nothing (default); broken, a backend that lost its valid result; slower or "
        "slower:PERCENT, that or a slower time, which needs paired rounds (--against REF) and so never is found "
        "between two separate runs",
    )
    parser.add_argument("--across-machines", action="store_true", help="compare although the runs' machines differ")
    parser.add_argument(
        "--across-rules", action="store_true", help="compare although the runs were measured by different rules"
    )
    return parser


def _parser(name: str, description: str, examples: str) -> argparse.ArgumentParser:
    keep = argparse.RawDescriptionHelpFormatter
    return OneLineParser(prog=name, description=description, epilog=examples, formatter_class=keep, allow_abbrev=False)


if __name__ == "__main__":
    # As the command `report` starts it, which tells what machine this is and which runs git keeps: that must not depend
    # on how it is started. By name, as the command stands above this package.
    sys.exit(import_module("pointwise_bench.reporting").main(sys.argv[1:]))
