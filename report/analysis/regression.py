"""What became faster or slower from one run to another, without pairing: the runs are hours or versions apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pointwise_bench.common.status import OK
from pointwise_bench.report.analysis.series import clusters_of
from pointwise_bench.report.analysis.wording import duration, threads_of, times
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run import Run

# Four rounds against four: that all of one lie on one side of all of the other happens by chance in 2 of
# comb(8, 4) = 70 cases. With three it is 2 of 20, too often to call it a change.
_LEAST_ROUNDS: Final = 4


@dataclass(frozen=True)
class Change:
    """One cell in both runs; ``verdict``: faster, slower, unclear, unchanged, broken (lost its time) or mended."""

    verdict: str
    where: str
    text: str

    @property
    def is_regression(self) -> bool:
        """Slower, or without a valid time where there was one."""
        return self.verdict in ("slower", "broken")


def compare_runs(old: Run, new: Run, margin: float, across_machines: bool = False) -> list[Change]:
    """Every cell that both runs have, by backend, problem and threads; refuses runs of different machines."""
    if old.machine != new.machine and not across_machines:
        raise ReportError(
            f"{new.folder}: is of machine {new.machine}, but {old.folder} of {old.machine}; "
            "add --across-machines to compare them all the same"
        )
    before, after = _by_key(old.cells), _by_key(new.cells)
    return [_change(before[key], after[key], margin) for key in sorted(before.keys() & after.keys())]


def notes(old: Run, new: Run) -> list[str]:
    """What else differs between the runs, in sentences."""
    found = []
    if old.machine != new.machine:
        found.append(f"different machines: {old.machine} and {new.machine}; the change may be theirs")
    before, after = _versions(old), _versions(new)
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, "absent"), after.get(name, "absent")
        if was != now:
            found.append(f"{name}: {was} before, {now} now")
    missing = len(_by_key(old.cells).keys() - _by_key(new.cells).keys())
    added = len(_by_key(new.cells).keys() - _by_key(old.cells).keys())
    if missing or added:
        found.append(f"cells only in the old run: {missing}; only in the new one: {added}")
    return found


def _by_key(cells: Iterable[ReadCell]) -> dict[tuple[str, str, int], ReadCell]:
    return {(cell.backend, cell.problem.id, cell.threads): cell for cell in cells}


def _versions(run: Run) -> dict[str, str]:
    """Whatever the environment calls a version: ``python``, and each name under ``packages``."""
    environment: Any = run.settings.get("environment")
    if not isinstance(environment, dict):
        return {}
    packages = environment.get("packages")
    found = {str(name): str(version) for name, version in packages.items()} if isinstance(packages, dict) else {}
    return found | {name: str(environment[name]) for name in ("python", "kernel") if name in environment}


def _change(old: ReadCell, new: ReadCell, margin: float) -> Change:
    where = f"{new.backend} {new.problem.id} {threads_of(new.threads)}"
    if old.status != OK or new.status != OK:
        if old.status == new.status:
            return Change("unchanged", where, new.status)
        verdict = "broken" if old.status == OK else "mended" if new.status == OK else "unchanged"
        return Change(
            verdict, where, f"{old.status} before, {new.status} now" + (f": {new.reason}" if new.reason else "")
        )
    if not (old.comparable_to_others and new.comparable_to_others):
        return Change("unclear", where, "in-process times are not compared")
    was, was_low, was_high = clusters_of(old).median_interval()
    now, now_low, now_high = clusters_of(new).median_interval()
    # The widest ratio that the two intervals allow: stricter than an interval of the ratio, and free of assumptions.
    ratio, low, high = now / was, now_low / was_high, now_high / was_low
    text = f"{duration(was)} before, {duration(now)} now: {times(ratio, low, high)} the time"
    return Change(_verdict(low, high, margin, min(old.samples.size, new.samples.size)), where, text)


def _verdict(low: float, high: float, margin: float, rounds: int) -> str:
    limit = 1 + margin
    if 1 / limit <= low and high <= limit:
        return "unchanged"
    if rounds < _LEAST_ROUNDS:
        return "unclear"
    if low > limit:
        return "slower"
    return "faster" if high < 1 / limit else "unclear"
