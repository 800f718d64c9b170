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

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.common.one_line_parser import OneLineParser
from pointwise_bench.suites.attacks import course
from pointwise_bench.suites.attacks.kinds import ATTACKS, KINDS, PLANTED, Kind
from pointwise_bench.suites.catalogue import select
from pointwise_bench.suites.harness.record.text import one_line

LAYERS: Final = (
    "n1c64h56w56-o64-bias-relu",
    "n1c256h28w28-o128-bias-relu-nhwc",
    "n1c512h7w7-o512-relu",
    "n1c128h14w14-o128-float16",
)
GROUPS: Final = {
    ATTACKS: tuple(name for name, kind in KINDS.items() if kind.wrong_on is None),
    PLANTED: tuple(name for name, kind in KINDS.items() if kind.wrong_on is not None),
}

_DESCRIPTION: Final = """\
Try every kind of cheat that the project knows against the judge, beside an honest
control that does the same arithmetic, on the basics and a few layers of networks;
and every planted mistake, on a problem where it is one.

One line for each kind: on how many problems it was refused, and why, or at what
share of the control's time it was timed. A cheat gets a time where it is timed in
under 0.9 of what the control takes, a mistake where it is timed at all. Exit code 1
if any does.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the kinds that were asked for; 1 where one of them got a time that it did not earn."""
    options = _parser().parse_args(arguments)
    try:
        problems = [layer.problem for group in select(options.shapes or ["basics", *LAYERS]) for layer in group.layers]
    except (ValueError, LookupError, OSError) as error:
        print(f"pointwise-bench attack: {error}", file=sys.stderr)
        return USAGE_ERROR
    groups = {group: [kind for kind in _chosen(options.kind) if kind.name in names] for group, names in GROUPS.items()}
    timed = {group: 0 for group, kinds in groups.items() if kinds}
    with tempfile.TemporaryDirectory() as folder:
        for group in timed:
            for kind in groups[group]:
                tried = list(course.attempts(kind, problems, Path(folder)))
                timed[group] += any(each.gained for each in tried)
                print(sentence(kind, tried), flush=True)
    for group, count in timed.items():
        share = f"{count} of {len(groups[group])} {group} ({100 * count / len(groups[group]):.0f} %)"
        print(f"got a time that it did not earn: {share}")
    return 1 if any(timed.values()) else 0


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
