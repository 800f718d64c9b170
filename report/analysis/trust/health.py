"""What a reader must know before trusting the numbers of a run."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pointwise_bench.report.analysis.wording import duration, first_of, threads_of
from pointwise_bench.report.reading.cells import OWN_ARITHMETIC
from pointwise_bench.report.reading.run import Run

if TYPE_CHECKING:
    import pandas as pd

# A round is disturbed when the canary, a fixed piece of work, took this much longer than it usually does. The rule
# never looks at a backend's own times: those must not decide which of them count.
CANARY_LIMIT: Final = 1.25
_QUICKEST: Final = 0.1
_DISTURBED_SHARE: Final = 0.05
# Processors that a timed cell had. Of 607 cells of the three recorded runs on processors none had less than 0.97; of 94
# cells of seven runs on 2 cores that had a load of 7 to 15, 59 had less than this.
STARVED: Final = 0.8
_STARVED_SHARE: Final = 0.1
# A peak that registers alone decide is the clock's: more than this between two of its measurements is another machine.
_PEAK_LIMIT: Final = 1.15
_NAME: Final = re.compile("[a-z0-9-]{1,64}")  # of a backend; a stranger's run may say anything
_NAMED: Final = 12
# Of the wall time of all passes together; the hypervisor counts it on every core.
_STEAL_SHARE: Final = 0.02


def warnings(run: Run, timings: pd.DataFrame) -> list[str]:
    """Sentences, the gravest first; empty when nothing is to be said."""
    found = _environment(run) + _unsteady(run)
    if not run.settings.get("finished_at"):
        nothing = f" Nothing at all was of: {unreached(run)}." if unreached(run) else ""
        found.append(f"The run did not finish: what is missing here was not measured.{nothing}")
    if run.defects:
        count = len(run.defects)
        said = "1 entry of this run" if count == 1 else f"{count:,} entries of this run"
        found.append(f"{said} could not be used and {'is' if count == 1 else 'are'} left out, named under Left out.")
    timed = [cell for cell in run.cells if cell.timed]
    alone = sum(not cell.alone for cell in timed)
    if alone:
        found.append(
            f"{alone} of {len(timed)} timed cells ran in-process: they are shown, but never compared or ranked."
        )
    reduced = [cell for cell in timed if cell.arithmetic != OWN_ARITHMETIC]
    if reduced:
        which = ", ".join(sorted({cell.arithmetic for cell in reduced}))
        found.append(
            f"{len(reduced)} of {len(timed)} timed cells were computed in a reduced precision "
            f"({which}): they are shown, but never compared or ranked."
        )
    above = timings.loc[timings["percent_of_roof"] > 100, ["backend", "problem", "threads"]].drop_duplicates()
    if len(above):
        found.append(
            f"{len(above)} of {len(timed)} timed cells are above their roof: there the ceiling was measured too low, "
            "or the clock rose after it."
        )
    return found


def unreached(run: Run) -> str:
    """The backends that an unfinished run was asked for and has nothing of, such as who takes too long for its time."""
    options = run.settings.get("options")
    asked = options.get("backends") if isinstance(options, Mapping) and not run.settings.get("finished_at") else None
    listed = asked if isinstance(asked, list) else []
    names = {name for name in listed if isinstance(name, str) and _NAME.fullmatch(name)}
    missing = sorted(names - {cell.backend for cell in run.cells} - set(run.claims.backends))
    return first_of(missing, _NAMED) if missing else ""


def unstable(run: Run) -> str | None:
    """Why no single time of ``run`` should be trusted, for its first line; ``None`` for a calm machine."""
    share = disturbed_share(run)
    found = [f"disturbed in {share:.0%} of the rounds"] if share is not None and share > _DISTURBED_SHARE else []
    return ", ".join(found + _starved(run) + _wandering_peaks(run) + _stolen(run)) or None


def _wandering_peaks(run: Run) -> list[str]:
    """For each thread budget the element type whose peak differs most between the measurements of this run."""
    peaks: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    for phase in run.settings.get("ceilings") or ():
        for dtype, peak in phase["fma_peak_flops"].items():
            if peak:
                peaks[phase["threads"], dtype].append(peak)
    worst: dict[int, tuple[float, str]] = {}
    for (threads, dtype), measured in peaks.items():
        worst[threads] = max(worst.get(threads, (1.0, "")), (max(measured) / min(measured), dtype))
    return [
        f"{dtype} peak of {threads_of(threads)} {ratio - 1:.0%} apart between two measurements"
        for threads, (ratio, dtype) in sorted(worst.items())
        if ratio > _PEAK_LIMIT
    ]


def _starved(run: Run) -> list[str]:
    share = starved_share(run)
    said = f"{share:.0%} of the cells had less than {STARVED:g} processors while they were timed"
    return [said] if share > _STARVED_SHARE else []


def starved_share(run: Run) -> float:
    """Share of the timed cells on the processor that did not get one to themselves; 0 where it is one backend's alone.

    The canary is short enough to fit between what others are given. A layer of several threads is not: where one of
    them waits for its turn, all wait for it, and in milliseconds, so that such backends lose hundreds of times as much
    as one that goes on with a single thread. No pairing takes that out. A backend that sleeps may be so by itself.
    """
    shares = [
        (cell.backend, cell.cpu_over_wall < STARVED)
        for cell in run.cells
        if cell.timed and cell.device == "cpu" and not np.isnan(cell.cpu_over_wall)
    ]
    starved = [backend for backend, little in shares if little]
    return len(starved) / len(shares) if len(set(starved)) > 1 else 0.0


def _stolen(run: Run) -> list[str]:
    passes = [one for one in run.settings.get("passes") or () if one["wall_s"] and one["steal_s"] is not None]
    wall, stolen = sum(one["wall_s"] for one in passes), sum(one["steal_s"] for one in passes)
    return [f"{stolen / wall:.1%} of the time stolen by other machines"] if stolen > _STEAL_SHARE * wall else []


def disturbed_share(run: Run) -> float | None:
    """Share of rounds whose canary exceeded ``CANARY_LIMIT`` times its usual time; ``None`` without a canary.

    Its usual time is its baseline, or what the quickest tenth of its beats in the run took at most, if that is less: a
    baseline may have been measured in a bad moment, by which a disturbed run would be called calm.
    """
    baseline = run.settings["canary"].get("baseline_s")
    series: defaultdict[int, list[npt.NDArray[np.float64]]] = defaultdict(list)
    for cell in run.cells:
        if cell.canary.size:
            series[cell.threads].append(cell.canary)
    if not baseline or not series:
        return None
    disturbed = [_above_usual(np.concatenate(each), baseline) for each in series.values()]
    return float(np.mean(np.concatenate(disturbed)))


def turns_again(run: Run) -> str:
    """How many turns were taken again since their cores were apart, and for how long; empty where nobody looked."""
    looked = run.settings.get("core_distance")
    if looked is None:
        return ""
    turns, again, spent_s = looked["turns"], looked["again"], looked["spent_s"]
    number = f"{again:,} {'was' if again == 1 else 'were'}" if again else "none was"
    apart = f"Of {turns:,} turn{'s' * (turns != 1)} of several threads {number} taken again for cores that were apart"
    waiting = "these turns and waiting for near cores" if again else "waiting for near cores"
    return f"{apart}; {waiting} took {duration(spent_s)}." if spent_s else f"{apart}."


def _above_usual(beats: npt.NDArray[np.float64], baseline: float) -> npt.NDArray[np.bool_]:
    usual = min(baseline, float(np.quantile(beats, _QUICKEST)))
    return np.asarray(beats > CANARY_LIMIT * usual)


def _environment(run: Run) -> list[str]:
    return list(run.settings["environment"].get("warnings", ()))


def _unsteady(run: Run) -> list[str]:
    share = disturbed_share(run)
    if share is None or share <= _DISTURBED_SHARE:
        return []
    return [
        f"The machine was unsteady: in {share:.0%} of the rounds a fixed piece of work took more than {CANARY_LIMIT} "
        "times its usual time. Comparisons are paired and survive this; single times do not."
    ]
