"""Each light by what gives it, alone, and which of them is the graver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, run_of

from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.analysis.trust.controls import ControlsFound, ControlVerdict
from pointwise_bench.report.analysis.trust.light import Light, light_of

PROBLEM = "n1c64h28w28-o128"
NONE = ControlsFound((), "")


def shown(tmp_path: Path, controls: ControlsFound = NONE, canary: float = 0.001, **changed: Any) -> Light:
    """Of a run of two backends, whose canary took that long in six of ten rounds."""
    beats = [0.001] * 4 + [canary] * 6
    cells = [cell(name, PROBLEM, [1e-3] * 10, canary_s=beats) for name in ("a", "b")]
    run = run_of(tmp_path, changed.pop("cells", cells), **changed)
    return light_of(run, tabulate(run, compare_run(run), Roofs.of(run.settings)), controls)


def verdicts(*said: tuple[float, str]) -> ControlsFound:
    return ControlsFound(tuple(ControlVerdict(PROBLEM, percent, 1.0, 1.0, 1.0, one) for percent, one in said), "")


def test_a_calm_run_may_be_trusted_and_says_why(tmp_path: Path) -> None:
    light = shown(tmp_path, verdicts((0, "same"), (3, "faster")))
    assert (light.level, light.title, light.remedy) == ("all", "Trust all numbers", "")
    assert light.reason == "a fixed piece of work was steady in 100.0% of the rounds"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"passes": [{"wall_s": 100.0, "steal_s": 5.0}]}, "5.0% of the time stolen by other machines"),
        ({"cells": [cell(name, PROBLEM, [1e-3] * 9, canary_s=[]) for name in ("a", "b")]}, "this run has no canary"),
        ({"environment": {"warnings": ["the load was 3"]}}, "the load was 3"),
        ({"environment": {"warnings": ["a", "b", "c"]}}, "a, and 2 more below"),
    ],
)
def test_what_disturbs_single_times_leaves_the_ratios(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    light = shown(tmp_path, **changed)
    assert light.level == "ratios"
    assert reason in light.reason
    assert light.remedy.startswith("for times: ")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"canary": 0.01}, "disturbed in 60% of the rounds"),
        (
            {"cells": [cell(name, PROBLEM, [1e-3] * 9, cpu_over_wall=0.3) for name in ("a", "b")]},
            "100% of the cells had less than 0.8 processors while they were timed: threads that wait",
        ),
        ({"controls": verdicts((0, "same"), (5, "slower"))}, "slowed on purpose was called faster in 1 of 2"),
        ({"controls": verdicts((0, "faster"), (0, "slower"))}, "called different from itself in 2 of 2"),
        ({"cells": [cell("a", PROBLEM, status="crashed")]}, "no cell has a time that may be compared"),
        ({"cells": [cell("a", PROBLEM, [1e-3] * 9, isolation="in-process")]}, "no cell has a time"),
    ],
)
def test_what_breaks_pairs_asks_for_another_run_whatever_else_is_said(
    tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    light = shown(tmp_path, environment={"warnings": ["w"]}, **changed)
    assert (light.level, light.title) == ("again", "Measure again")
    assert reason in light.reason
    assert light.remedy


@pytest.mark.parametrize(
    ("status", "finished", "reason"),
    [
        ("unavailable", None, "the run ended before a problem had all of its passes"),
        ("unavailable", "2026-01-02T03:14:05Z", "no cell has a time that may be compared"),
        ("crashed", None, "no cell has a time that may be compared"),
    ],
)
def test_a_run_that_was_ended_before_its_first_time_is_gone_on_with(
    tmp_path: Path, status: str, finished: str | None, reason: str
) -> None:
    light = shown(tmp_path, cells=[cell("a", PROBLEM, status=status)], finished_at=finished)
    assert (light.level, light.reason, "--resume" in light.remedy) == ("again", reason, "passes" in reason)


def test_one_false_alarm_among_a_few_controls_is_within_the_rule(tmp_path: Path) -> None:
    assert shown(tmp_path, verdicts((0, "faster"), (0, "same"), (0, "same"))).level == "all"
