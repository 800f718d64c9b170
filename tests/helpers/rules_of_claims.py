"""What the pages say of roofs, results, sources and claims, each rule as a check on planted data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_claims import CLEAN, DESCRIBED, STRIDE, claim_line, gains_of, lines_of, write_claims
from make_run import CEILINGS, cell, run_of
from pages_of_rules import plain
from report_folder import report
from rules_of_verdicts import FIRST, table_of

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.analysis.trust import health
from pointwise_bench.report.claims import gains, shortfall
from pointwise_bench.report.claims.predicted_work import Work


def roofs_are_the_processors(folder: Path) -> None:
    roofs = Roofs.of({"ceilings": CEILINGS})
    problem = Problem.parse(FIRST)
    compute, memory = problem.flops / 100e9, problem.min_bytes / (roofs.bandwidth(problem.min_bytes, 1) or 0)
    found = roofs.roof(problem, 1)
    assert found is not None
    assert found.seconds == pytest.approx(max(compute, memory))
    cells = [cell("a", FIRST, [1e-9] * 9), cell("b", FIRST, [1e-3] * 9, device="cuda")]
    run = run_of(folder, cells)
    rows = table_of(run)
    assert rows["a"]["percent_of_roof"] > 100
    assert np.isnan(rows["b"]["percent_of_roof"])
    table = tabulate(run, compare_run(run), Roofs.of(run.settings))
    assert "the ceiling was measured too low, or the clock rose after it" in " ".join(health.warnings(run, table))


def only_valid_results_have_a_time(folder: Path) -> None:
    cells = [
        cell("a", FIRST, [1e-3] * 9),
        cell("b", FIRST, [1e-3] * 9, status="wrong"),
        cell("a", f"{FIRST}-float64", [1e-3] * 9),
        cell("c", f"{FIRST}-float64", [1e-3] * 9),
    ]
    run = run_of(folder, cells)
    assert "only ok has times" in run.defects[0]
    assert set(compare_run(run)["problem"]) == {f"{FIRST}-float64"}


def predictions_follow_from_the_problems(folder: Path) -> None:
    problem = Problem.parse(FIRST)
    results = 128 * 28 * 28
    assert Work.of_steps([("product", problem)]) == Work(results, problem.parameters, problem.macs, problem.min_bytes)
    assert Work.of_steps([("product", problem), ("relu", problem)]).bytes == problem.min_bytes + 2 * 4 * results


def gain_between(folder: Path, after_s: float, wander: float = 0.0) -> gains.Gain:
    """A gain predicted to be 4, whose second way takes ``after_s`` of 4 s, give or take."""
    steps = {"every pixel, then one in four": {"whole": {"product": 4.0}}, "stride 2": {"whole": {"product": after_s}}}
    line = claim_line("stride", "a", steps)
    turns = 1 + wander * np.linspace(-1, 1, len(line["process"]))
    line["samples_s"]["stride 2"] = (np.array(line["samples_s"]["stride 2"]) * turns).tolist()
    (gain,) = gains_of(folder, line)
    return gain


def a_prediction_is_held_against_the_interval(folder: Path) -> None:
    # 4 / 1.021 and 4 / 1.019: the margin of 2 % is counted in.
    for after_s, words in ((1.021, "short of it"), (1.019, "as predicted"), (1 / 1.019, "as predicted")):
        assert gain_between(folder, after_s).against_prediction == words
    assert gain_between(folder, 1 / 1.021).against_prediction == "beyond it"
    wide = gain_between(folder, 1.0, wander=0.5)
    assert wide.high > wide.low * gains.WIDEST
    assert wide.against_prediction == "undecided"


def lost_time_is_split_by_steps(folder: Path) -> None:
    (gain,) = gains_of(folder, claim_line("stride", "a", STRIDE))
    eaten = shortfall.shortfall(gain, Roofs({}, {}, {}))
    assert eaten is not None
    # 2 ms of products against a quarter of 5 ms; the smallest call, 1 us, is once in both ways.
    assert eaten.lost_s == pytest.approx(2e-3 - 5e-3 / 4)
    assert sum(share for _, share in eaten.parts) == pytest.approx(1)
    assert "the cost of a call" in dict(eaten.parts)
    assert "the cost of a call" not in eaten.sentence  # below the share that is named


def exact_claims_record_no_error(folder: Path) -> None:
    lines = [claim_line("stride", "a", STRIDE, error_ratio=None), CLEAN[2]]
    run_folder = write_claims(folder / "run", lines_of(lines), DESCRIBED)
    report(run_folder, folder / "out")
    page = plain((folder / "out" / "claims.html").read_text(encoding="utf-8"))
    assert "before and after the timing: those of 4 bit for bit on whole numbers, the others within" in page
