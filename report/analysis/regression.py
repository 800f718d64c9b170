"""What became faster or slower from one run to another, without pairing: the runs are hours or versions apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pointwise_bench.common.status import OK
from pointwise_bench.report.analysis.run_differences import different_rules
from pointwise_bench.report.analysis.series import clusters_of
from pointwise_bench.report.analysis.wording import duration, threads_of, times
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run import Run

# Four rounds against four: that all of one lie on one side of all of the other happens by chance in 2 of
# comb(8, 4) = 70 cases. With three it is 2 of 20, too often to call it a change.
LEAST_ROUNDS: Final = 4


@dataclass(frozen=True)
class Change:
    """One cell in both runs, with its ``verdict`` and a ``text`` that gives the figures or the reason.

    Verdicts: faster, slower, unclear, unchanged, broken (lost its valid result), mended (gained one), not compared.
    """

    verdict: str
    where: str
    text: str


def compare_runs(
    old: Run, new: Run, margin: float, *, across_machines: bool = False, across_rules: bool = False
) -> list[Change]:
    """Every cell that both runs have, by backend, problem and threads.

    :class:`ReportError` where the runs are of different machines, or where rules that they were measured by give their
    times different meanings (a hot cache and a cold one), unless that is asked for.
    """
    if old.machine != new.machine and not across_machines:
        raise ReportError(
            f"{new.folder}: is of machine {new.machine}, but {old.folder} of {old.machine}; "
            "add --across-machines to compare them all the same"
        )
    rules = different_rules(old, new)
    if rules and not across_rules:
        raise ReportError(
            f"{new.folder}: was measured by other rules than {old.folder}: {'; '.join(rules)}; "
            "add --across-rules to compare them all the same"
        )
    before, after = _by_key(old.cells), _by_key(new.cells)
    return [_change(before[key], after[key], margin) for key in sorted(before.keys() & after.keys())]


def cells_of_one_run(old: Run, new: Run) -> tuple[int, int]:
    """How many cells only the old run has, and how many only the new one."""
    before, after = _by_key(old.cells).keys(), _by_key(new.cells).keys()
    return len(before - after), len(after - before)


def _by_key(cells: Iterable[ReadCell]) -> dict[tuple[str, str, int], ReadCell]:
    return {(cell.backend, cell.problem.id, cell.threads): cell for cell in cells}


def _change(old: ReadCell, new: ReadCell, margin: float) -> Change:
    where = f"{new.backend} {new.problem.id} {threads_of(new.threads)}"
    if old.status != OK or new.status != OK:
        if old.status == new.status:
            return Change("unchanged", where, new.status)
        verdict = "broken" if old.status == OK else "mended" if new.status == OK else "unchanged"
        return Change(
            verdict, where, f"{old.status} before, {new.status} now" + (f": {new.reason}" if new.reason else "")
        )
    if reason := _not_comparable(old, new):
        return Change("not compared", where, reason)
    was, was_low, was_high = clusters_of(old).median_interval()
    now, now_low, now_high = clusters_of(new).median_interval()
    # The widest ratio that the two intervals allow: stricter than an interval of the ratio, and free of assumptions.
    ratio, low, high = now / was, now_low / was_high, now_high / was_low
    text = f"{duration(was)} before, {duration(now)} now: {times(ratio, low, high)} the time"
    if old.output != new.output:
        text += f" (the output was {old.output} memory before and is {new.output} memory now)"
    return Change(_verdict(low, high, margin, min(old.samples.size, new.samples.size)), where, text)


def _not_comparable(old: ReadCell, new: ReadCell) -> str | None:
    """Why the times of one backend do not tell whether it became faster; ``None`` where they do.

    A reduced precision is no reason: it keeps a backend from being ranked among others, not from being set against
    itself.
    """
    if not (old.alone and new.alone):
        return "timed in-process, where other backends' threads disturb"
    if old.arithmetic != new.arithmetic:
        return f"computed in another precision: {old.arithmetic} before, {new.arithmetic} now"
    return None


def _verdict(low: float, high: float, margin: float, rounds: int) -> str:
    limit = 1 + margin
    if 1 / limit <= low and high <= limit:
        return "unchanged"
    if rounds < LEAST_ROUNDS:
        return "unclear"
    if low > limit:
        return "slower"
    return "faster" if high < 1 / limit else "unclear"
