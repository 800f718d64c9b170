"""What a reader must know before trusting the numbers of a run."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from report.load import Run

# A round is disturbed when the canary, a fixed piece of work, took this much longer than before the run. The rule
# never looks at a backend's own times: those must not decide which of them count.
CANARY_LIMIT: Final = 1.25
_DISTURBED_SHARE: Final = 0.05


def warnings(run: Run, timings: pd.DataFrame) -> list[str]:
    """Sentences, the gravest first; empty when nothing is to be said."""
    found = _environment(run) + _unsteady(run)
    if not run.settings.get("finished_at"):
        found.append("The run did not finish: what is missing here was not measured.")
    if run.ignored_lines:
        found.append(
            f"Ignored in cells.jsonl: {_lines(run.ignored_lines)} that could not be read, a torn write or a newer "
            "version's problem."
        )
    timed = [cell for cell in run.cells if cell.timed]
    alone = sum(not cell.comparable for cell in timed)
    if alone:
        found.append(
            f"{alone} of {len(timed)} timed cells ran in-process: they are shown, but never compared or ranked."
        )
    above = timings.loc[timings["percent_of_roof"] > 100, ["backend", "problem", "threads"]].drop_duplicates()
    if len(above):
        found.append(
            f"{len(above)} of {len(timed)} timed cells are above their roof: there the ceiling was measured too low, "
            "or the clock rose after it."
        )
    return found


def disturbed_share(run: Run) -> float | None:
    """Share of rounds whose canary exceeded ``CANARY_LIMIT`` times its baseline; ``None`` without a canary."""
    canary = run.settings.get("canary")
    baseline = canary.get("baseline_s") if isinstance(canary, dict) else None
    series = [cell.canary for cell in run.cells if cell.canary.size]
    if not baseline or not series:
        return None
    return float(np.mean(np.concatenate(series) > CANARY_LIMIT * baseline))


def _environment(run: Run) -> list[str]:
    environment = run.settings.get("environment")
    said = environment.get("warnings") if isinstance(environment, dict) else None
    return [str(one) for one in said] if isinstance(said, list) else []


def _unsteady(run: Run) -> list[str]:
    share = disturbed_share(run)
    if share is None or share <= _DISTURBED_SHARE:
        return []
    return [
        f"The machine was unsteady: in {share:.0%} of the rounds a fixed piece of work took more than {CANARY_LIMIT} "
        "times its usual time. Comparisons are paired and survive this; single times do not."
    ]


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
