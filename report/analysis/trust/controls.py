"""What the verdicts of a run say of its controls, of which the truth is known: one backend under other names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.comparisons import usual_disagreements
from pointwise_bench.report.analysis.series import series_of
from pointwise_bench.report.analysis.wording import threads_of
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.verdicts import pair_up

_OPPOSITE: Final = {"faster": "slower", "slower": "faster"}


@dataclass(frozen=True)
class ControlVerdict:
    """One control against the backend that it is: how much slower it was made, and what the verdict says of it.

    ``ratio``, ``low`` and ``high``: time of the control over that of the backend. ``verdict`` is said of the backend:
    ``faster`` is the truth of a control that was slowed.
    """

    problem: str
    percent: float
    ratio: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class ControlsFound:
    """All of them, and the sentence that sums them up; empty where the run had none."""

    verdicts: tuple[ControlVerdict, ...]
    sentence: str


def controls_of(run: Run) -> ControlsFound:
    """Judge the controls by the rule of all other verdicts, each as one more of the field on its problem."""
    told = run.settings["controls"]
    if told is None or not run.controls:
        return ControlsFound((), "")
    usual = usual_disagreements(run)[told["threads"]]
    by_problem: dict[str, list[ReadCell]] = {}
    for control in run.controls:
        if control.backend in told["slower_by_percent"] and control.comparable_to_others:
            by_problem.setdefault(control.problem.id, []).append(control)
    verdicts: list[ControlVerdict] = []
    for problem, controls in sorted(by_problem.items()):
        field = [
            cell
            for cell in run.cells
            if (cell.problem.id, cell.threads) == (problem, told["threads"]) and cell.comparable_to_others
        ]
        names = [cell.backend for cell in field]
        if told["backend"] not in names:
            continue
        pairs = pair_up([series_of(cell) for cell in (*field, *controls)], MARGIN, usual)
        own = names.index(told["backend"])
        for number, control in enumerate(controls, len(field)):
            at = int(np.flatnonzero((pairs.first == own) & (pairs.second == number))[0])
            verdicts.append(
                ControlVerdict(
                    problem,
                    told["slower_by_percent"][control.backend],
                    ratio=float(pairs.ratio[at]),
                    low=float(pairs.low[at]),
                    high=float(pairs.high[at]),
                    verdict=str(pairs.verdict[at]),
                )
            )
    return ControlsFound(tuple(verdicts), _sentence(told["backend"], told["threads"], verdicts))


def _sentence(backend: str, threads: int, verdicts: list[ControlVerdict]) -> str:
    """How often the verdicts were right where the truth is known."""
    if not verdicts:
        return ""
    of: Counter[float] = Counter(one.percent for one in verdicts)
    different = sum(one.percent == 0 and one.verdict in _OPPOSITE for one in verdicts)
    parts = [f"under another name it was called different in {different} of {of[0]}"] if of[0] else []
    for percent in sorted(percent for percent in of if percent):
        found = sum(one.percent == percent and one.verdict == "faster" for one in verdicts)
        parts.append(f"slowed by {percent:g} % it was found slower in {found} of {of[percent]}")
    wrong = sum(one.percent > 0 and one.verdict == "slower" for one in verdicts)
    parts.append(f"called faster for being slowed in {wrong}")
    return f"Controls of this run ({backend}, {threads_of(threads)}): {'; '.join(parts)}."
