"""``pointwise-bench attack``: the share of cheats and of planted mistakes that get a time on this machine."""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pointwise_bench import Problem
from pointwise_bench.common.formats import CHEATS, PLANTED_MISTAKES, USAGE_ERROR
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.suites.attacks import course
from pointwise_bench.suites.attacks.attacks_file import entry_of, keep
from pointwise_bench.suites.attacks.kinds import KINDS, Kind
from pointwise_bench.suites.catalogue import select
from pointwise_bench.suites.harness.machine.environment import machine
from pointwise_bench.suites.harness.machine.project_version import project_version
from pointwise_bench.suites.harness.record.json_lines import CannotRecord
from pointwise_bench.suites.harness.record.locks import LockedByAnother, machine_held
from pointwise_bench.suites.harness.record.run_folder import now
from pointwise_bench.suites.harness.record.text import one_line

LAYERS: Final = (
    "n1c64h56w56-o64-bias-relu",
    "n1c256h28w28-o128-bias-relu-nhwc",
    "n1c512h7w7-o512-relu",
    "n1c128h14w14-o128-float16",
)
GROUPS: Final = {
    CHEATS: tuple(name for name, kind in KINDS.items() if kind.wrong_on is None),
    PLANTED_MISTAKES: tuple(name for name, kind in KINDS.items() if kind.wrong_on is not None),
}

_DESCRIPTION: Final = """\
Try every kind of cheat that the project knows against the judge, beside an honest
control that does the same arithmetic, on the basics and a few layers of networks;
and every planted mistake, on a problem where it is one.

One line for each kind: on how many problems it was refused, and why, or at what
share of the control's time it was timed. A cheat gets a time where it is timed in
under 0.9 of what the control takes; one whose answers are wrong, and a mistake,
where it is timed at all. Exit code 1 if any does; 4 for bad usage, or where another
process measures on this machine.

What each kind came to goes into RESULTS/<machine>/attacks.json as soon as it is known,
in the place of what the same kind came to before; `pointwise-bench report` shows it
beside the runs of that machine.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the kinds that were asked for; 1 where one of them got a time that it did not earn."""
    options = _parser().parse_args(arguments)
    try:
        problems = [layer.problem for group in select(options.shapes or ["basics", *LAYERS]) for layer in group.layers]
    except (ValueError, LookupError, OSError) as error:
        return _say(str(error))
    results = options.results / machine()
    try:
        with machine_held(f"since {now()}, attacks, results in {options.results.absolute()}", _warn):
            path = keep([], results, GROUPS)  # that nothing can be written there is said before anything is tried
            gained = _tried(_chosen(options.kind), problems, results)
    except LockedByAnother as held:
        return _say(str(held))
    except CannotRecord as error:
        return _say(f"{error}; name another place with --results")
    for group, each in gained.items():
        print(f"got a time that it did not earn: {_share(group, each)}")
    print(f"kept in {path}")
    return 1 if any(map(any, gained.values())) else 0


def _say(line: str) -> int:
    _warn(line)
    return USAGE_ERROR


def _warn(line: str) -> None:
    print(f"pointwise-bench attack: {line}", file=sys.stderr)


def _tried(kinds: Sequence[Kind], problems: list[Problem], results: Path) -> dict[str, list[bool]]:
    """By group, whether each kind that could be tried on anything got a time; each is kept once it is known."""
    project = project_version()
    gained: dict[str, list[bool]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for group, kind in ((group, kind) for group, names in GROUPS.items() for kind in kinds if kind.name in names):
            of_group = gained.setdefault(group, [])
            tried = list(course.attempts(kind, problems, Path(folder)))
            print(sentence(kind, tried), flush=True)
            if any(each.could_be_made for each in tried):
                of_group.append(any(each.gained for each in tried))
            if tried:
                keep([entry_of(kind, group, tried, project)], results, GROUPS)
    return gained


def _share(group: str, gained: Sequence[bool]) -> str:
    if not gained:
        return f"none of the {group} that were asked for could be tried on any of these problems"
    return f"{sum(gained)} of {len(gained)} {group} ({100 * sum(gained) / len(gained):.0f} %)"


def _parser() -> argparse.ArgumentParser:
    keep = argparse.RawDescriptionHelpFormatter
    # A reader finds none of a hundred names in a line that the terminal cuts wherever it ends.
    lists = (textwrap.fill(", ".join(names), 100, break_on_hyphens=False) for names in GROUPS.values())
    listed = "\n".join(
        f"  {group}:\n{textwrap.indent(names, '    ')}" for group, names in zip(GROUPS, lists, strict=True)
    )
    parser = OneLineParser("pointwise-bench attack", description=_DESCRIPTION, formatter_class=keep)
    parser.epilog = f"kinds:\n{listed}"
    parser.add_argument(
        "--kind",
        action="append",
        choices=(*GROUPS, *KINDS),
        metavar="KIND",
        help="or attacks or planted, a group of them; default: all",
    )
    parser.add_argument(
        "--shapes", action="append", metavar="WHAT", help=f"as of `run`; default: basics and {len(LAYERS)} layers"
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    return parser


def _chosen(names: Sequence[str] | None) -> list[Kind]:
    """The kinds of these names and groups; all where none is named."""
    wanted = [each for name in names or GROUPS for each in GROUPS.get(name, (name,))]
    return [KINDS[name] for name in dict.fromkeys(wanted)]


def sentence(kind: Kind, tried: Sequence[course.Attempt]) -> str:
    """What the kind came to on all problems, in one line."""
    refused = [each for each in tried if each.ended is not None]
    timed = [each for each in tried if each.ended is None]
    parts = []
    if not tried:
        parts = ["takes none of these problems"]
    if refused:
        (why, _), *_ = Counter(one_line(each.ended.reason, 70) for each in refused if each.ended).most_common(1)
        parts.append(f"refused on {len(refused)} of {len(tried)}: {why}")
    if timed:
        gained = [str(each.problem) for each in timed if each.gained]
        worth = f"GOT A TIME on {', '.join(gained)}" if gained else "gains nothing"
        shares = [each.share for each in timed if each.share is not None]
        at = f", at {min(shares):.2f} of the control's time or more" if shares else f", though wrong: {kind.tries}"
        parts.append(f"{worth}: timed on {len(timed)}{at}")
    return f"{kind.name}: {'; '.join(parts)}"


if __name__ == "__main__":
    sys.exit(main())
