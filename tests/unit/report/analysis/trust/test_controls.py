"""Controls are judged by the rule of all verdicts, and a run says how often that was right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import cell, write_run

from pointwise_bench.report.analysis.trust.controls import ControlsFound, controls_of
from pointwise_bench.report.reading.run import load_run

PROBLEM = "n1c64h14w14-o64"
PERCENTS = {"control-same": 0.0, "control-slower-by-3": 3.0, "control-slower-by-5": 5.0}


def seconds(factor: float, seed: int) -> list[float]:
    """Sixty rounds of three starts around a millisecond."""
    return [float(one) for one in factor * 1e-3 * np.random.default_rng(seed).normal(1.0, 0.002, 60)]


def judged(tmp_path: Path, factors: dict[str, float]) -> ControlsFound:
    cells = [cell("leader", PROBLEM, seconds(1.0, 1)), cell("other", PROBLEM, seconds(1.5, 2))]
    folder = write_run(tmp_path, cells, controls={"backend": "leader", "threads": 1, "slower_by_percent": PERCENTS})
    lines = [cell(name, PROBLEM, seconds(factor, seed)) for seed, (name, factor) in enumerate(factors.items(), 3)]
    (folder / "controls.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return controls_of(load_run(folder))


def test_what_is_true_of_them_is_found_and_said(tmp_path: Path) -> None:
    found = judged(tmp_path, {"control-same": 1.0, "control-slower-by-3": 1.03, "control-slower-by-5": 1.05})
    assert [(one.percent, one.verdict) for one in found.verdicts] == [(0, "same"), (3, "faster"), (5, "faster")]
    assert [one.ratio for one in found.verdicts] == pytest.approx([1.0, 1.03, 1.05], abs=2e-3)
    assert found.sentence == (
        "Controls of this run (leader, 1 thread): under another name it was called different in 0 of 1; slowed by 3 % "
        "it was found slower in 1 of 1; slowed by 5 % it was found slower in 1 of 1; "
        "called faster for being slowed in 0."
    )


def test_what_goes_wrong_is_said_as_well(tmp_path: Path) -> None:
    """A second name that is told different, a slowed one that looks faster, and one that is not found."""
    found = judged(tmp_path, {"control-same": 1.1, "control-slower-by-3": 0.9, "control-slower-by-5": 1.0})
    assert "called different in 1 of 1" in found.sentence
    assert "slowed by 3 % it was found slower in 0 of 1; slowed by 5 % it was found slower in 0 of 1" in found.sentence
    assert found.sentence.endswith("called faster for being slowed in 1.")


def test_a_run_without_controls_says_nothing(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [cell("leader", PROBLEM, seconds(1.0, 1))])
    assert controls_of(load_run(folder)) == ControlsFound((), "")


@pytest.mark.parametrize("told", [{"backend": "leader"}, {"backend": 3, "threads": 1, "slower_by_percent": {}}])
def test_what_is_said_of_them_is_checked(tmp_path: Path, told: dict[str, Any]) -> None:
    from pointwise_bench.report.reading.errors import ReportError

    folder = write_run(tmp_path, [cell("leader", PROBLEM, seconds(1.0, 1))], controls=told)
    with pytest.raises(ReportError, match="controls"):
        load_run(folder)
