"""All that a report computes from one run, before any of it is put into words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from pointwise_bench.report.analysis.baseline import choose_baseline
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.groups import ReportGroup, group_up
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.analysis.trust.controls import ControlsFound, controls_of
from pointwise_bench.report.analysis.trust.light import Light, light_of
from pointwise_bench.report.claims.gains import Gain, gains
from pointwise_bench.report.reading.run import Run


@dataclass(frozen=True)
class RunAnalysis:
    """One run with its tables, groups and gains; ``baseline`` is the backend that speed-ups are against."""

    run: Run
    baseline: str | None
    ceilings: Roofs
    timings: pd.DataFrame
    comparisons: pd.DataFrame
    groups: list[ReportGroup]
    gains: list[Gain]

    @cached_property
    def controls(self) -> ControlsFound:
        """Verdicts on backends whose truth is known."""
        return controls_of(self.run)

    @cached_property
    def light(self) -> Light:
        """How far all of this can be trusted."""
        return light_of(self.run, self.timings, self.controls)


def analyse(run: Run, baseline: str | None = None) -> RunAnalysis:
    """Compute everything; ``baseline`` replaces the one chosen by rule."""
    ceilings = Roofs.of(run.settings)
    chosen = baseline or choose_baseline(run)
    comparisons = compare_run(run, baseline=chosen)
    timings = tabulate(run, comparisons, ceilings)
    groups = group_up(run, timings, comparisons, chosen)
    return RunAnalysis(run, chosen, ceilings, timings, comparisons, groups, gains(run.claims))
