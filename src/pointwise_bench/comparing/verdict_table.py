"""The verdicts of a comparison of two versions, for a terminal and in Markdown, and the exit code they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from pointwise_bench.common.fail_on import FailOn
from pointwise_bench.common.verdict_rule import ALPHA
from pointwise_bench.comparing.changes import VERDICTS, VersionChange
from pointwise_bench.report.analysis.wording import DASH, duration, threads_of, times
from pointwise_bench.report.pages.rendering import in_markdown

SIGNS: Final = {"broken": "✗", "slower": "▼", "undecided": "?", "same": "=", "faster": "▲", "mended": "✓"}
MOST_LINES: Final = 60
"""Of the table in Markdown: more than that is read in the report of the run."""

HEAD: Final = ("verdict", "backend", "layer", "threads", "before", "now", "time now / before")


def in_order(changes: Sequence[VersionChange]) -> list[VersionChange]:
    """Totals first, then what a reader has to look at; the largest slowdown first."""

    def key(one: VersionChange) -> tuple[bool, int, float]:
        return (not one.is_total, VERDICTS.index(one.verdict), -one.ratio if one.ratio == one.ratio else 0.0)

    return sorted(changes, key=key)


def failing(changes: Sequence[VersionChange], fail_on: FailOn) -> list[VersionChange]:
    """Those changes that end with exit code 1. Slower by more than a share: surely slower, and by more in the middle.

    As the margin is judged: that the whole interval lie beyond would take ten times the rounds.
    """
    if fail_on.what == "nothing":
        return []
    beyond = 1 + (fail_on.share or 0.0)
    slower = fail_on.what == "slower"
    return [
        one for one in changes if one.verdict == "broken" or (slower and one.verdict == "slower" and one.ratio > beyond)
    ]


def summary(changes: Sequence[VersionChange], before: str) -> str:
    """The one sentence: how many of what, against which version."""
    counts = Counter(one.verdict for one in changes)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return f"against {before}, in the same rounds: {said}"


def legend(margin: float) -> str:
    """How the table is read."""
    return (
        f"[low, high]: {100 * (1 - ALPHA):g} % interval of the ratio, from paired rounds; slower or faster: the "
        f"interval leaves out equality and the ratio is beyond {100 * margin:g} %, slower in two runs; "
        "same: all of it within; undecided: not enough evidence"
    )


def as_text(changes: Sequence[VersionChange]) -> Iterator[str]:
    """A line for each change that is not the same, and all totals."""
    for one in in_order(changes):
        if one.is_total or one.verdict != "same":
            yield f"{one.verdict}: {one.backend}, {one.where}, {threads_of(one.threads)}: {_figures(one)}"


def as_markdown(changes: Sequence[VersionChange], before: str, margin: float, page: str = "") -> str:
    """A heading sentence, the table and its legend."""
    rows = [_row(one) for one in in_order(changes)]
    lines = [in_markdown(summary(changes, before)), "", _line(HEAD), _line(["---"] * len(HEAD))]
    lines += [_line(row) for row in rows[:MOST_LINES]]
    if len(rows) > MOST_LINES:
        lines += ["", f"and {len(rows) - MOST_LINES} more in the report of the run"]
    lines += ["", f"{legend(margin)}.{f' {page}' if page else ''}"]
    return "\n".join(lines) + "\n"


def _figures(one: VersionChange) -> str:
    if one.reason:
        return one.reason
    seconds = "" if one.is_total else f"{duration(one.before_s)} before, {duration(one.now_s)} now: "
    return f"{seconds}{times(one.ratio, one.low, one.high)} the time"


def _row(one: VersionChange) -> list[str]:
    figures = one.reason or times(one.ratio, one.low, one.high)
    verdict = f"{SIGNS.get(one.verdict, DASH)} {one.verdict}"
    return [
        verdict,
        one.backend,
        one.where,
        str(one.threads),
        duration(one.before_s),
        duration(one.now_s),
        figures,
    ]


def _line(cells: Sequence[str]) -> str:
    """A row; reasons are written by plugins, and names of layers by anybody."""
    return "| " + " | ".join(map(in_markdown, cells)) + " |"
