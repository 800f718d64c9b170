"""``pointwise-bench attack``: the share of cheats that get a time on this machine."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.suites.attacks import course
from pointwise_bench.suites.catalogue import select
from pointwise_bench.suites.harness.record.text import one_line

LAYERS: Final = ("n1c64h56w56-o64-bias-relu", "n1c256h28w28-o128-bias-relu-nhwc", "n1c512h7w7-o512-relu")

_DESCRIPTION: Final = """\
Try every kind of cheat that the project knows against the judge, beside an honest
control that does the same arithmetic, on the basics and a few layers of networks.

One line for each kind: on how many problems it was refused, and why, or at what
share of the control's time it was timed. A kind gets a time where it is timed in
under 0.9 of what the control takes. Exit code 1 if any does.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the kinds that were asked for; 1 where one of them got a time that its control does not have."""
    options = _parser().parse_args(arguments)
    try:
        problems = [layer.problem for group in select(options.shapes or ["basics", *LAYERS]) for layer in group.layers]
    except (ValueError, LookupError, OSError) as error:
        print(f"pointwise-bench attack: {error}", file=sys.stderr)
        return USAGE_ERROR
    timed = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kind or course.KINDS:
            tried = list(course.attempts(kind, problems, Path(folder)))
            timed += any(each.gained for each in tried)
            print(sentence(kind, tried), flush=True)
    count = len(options.kind or course.KINDS)
    print(f"{timed} of {count} kinds got a time that their honest control does not have ({100 * timed / count:.0f} %)")
    return 1 if timed else 0


def _parser() -> argparse.ArgumentParser:
    keep = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("pointwise-bench attack", description=_DESCRIPTION, formatter_class=keep)
    parser.add_argument("--kind", action="append", choices=course.KINDS, help="repeatable; default: all")
    parser.add_argument("--shapes", action="append", metavar="WHAT", help="as of `run`; default: basics and 3 layers")
    return parser


def sentence(kind: str, tried: Sequence[course.Attempt]) -> str:
    """What the kind came to on all problems, in one line."""
    refused = [each for each in tried if each.ended is not None]
    parts = []
    if not tried:
        parts = ["takes none of these problems"]
    if refused:
        (why, _), *_ = Counter(one_line(each.ended.reason, 70) for each in refused if each.ended).most_common(1)
        parts.append(f"refused on {len(refused)} of {len(tried)}: {why}")
    if shares := [each.share for each in tried if each.share is not None]:
        gained = [str(each.problem) for each in tried if each.gained]
        worth = f"GOT A TIME on {', '.join(gained)}" if gained else "gains nothing"
        parts.append(f"{worth}: timed on {len(shares)}, at {min(shares):.2f} of the control's time or more")
    return f"{kind}: {'; '.join(parts)}"


if __name__ == "__main__":
    sys.exit(main())
