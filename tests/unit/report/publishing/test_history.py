"""The history of one machine: steps where they are, and none where rules or evidence forbid it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_run import cell, run_of

from pointwise_bench.common.verdict_rule import START_SD
from pointwise_bench.report.analysis.network_totals import Total
from pointwise_bench.report.analysis.overall.recorded import Own, RecordedNetwork, recorded
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.publishing.history import SHARE_MARKED, Dated, histories, step
from pointwise_bench.report.statistics.order_statistics import ClusterRows

PROBLEM = "n1c64h28w28-o128"


def dated(folder: Path, day: int, times: dict[str, float], rules: str = "A") -> Dated:
    cells = [cell(name, PROBLEM, [seconds] * 9) for name, seconds in times.items()]
    found = analyse(run_of(folder, cells, name=f"2026-01-{day:02}T03-04-05Z"))
    networks = recorded(found.run, found.timings, found.groups).networks
    return Dated(found.run.started_at, f"run-{day}", rules, networks)


def test_a_step_is_marked_in_the_run_in_which_it_happened(tmp_path: Path) -> None:
    runs = [dated(tmp_path, day, {"a": seconds, "b": 2e-3}) for day, seconds in ((3, 1.5e-3), (1, 1e-3), (2, 1e-3))]
    (found,) = histories(runs)
    assert (found.title, found.backends) == ("tinynet, 1 thread", ("a", "b"))
    assert [link for _, link, _, _ in found.rows] == ["run-1", "run-2", "run-3"]
    assert [points[0].step for *_, points in found.rows] == ["", "", "▲ 1.50× as long"]  # noqa: RUF001  # the sign
    assert [points[1].step for *_, points in found.rows] == ["", "", ""]


def test_between_runs_of_other_rules_there_is_no_step_and_of_one_run_no_history(tmp_path: Path) -> None:
    first, second = dated(tmp_path, 1, {"a": 1e-3}), dated(tmp_path, 2, {"a": 9e-3}, rules="B")
    (found,) = histories([first, second])
    assert [points[0].step for *_, points in found.rows] == ["", ""]
    assert histories([first]) == []


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ((1.0, 0.99, 1.01), (1.2, 1.1, 1.3), "▲ 1.20× as long"),  # noqa: RUF001  # the sign of a ratio
        ((1.2, 1.1, 1.3), (1.0, 0.99, 1.01), "▼ 1.20× faster"),  # noqa: RUF001  # the sign of a ratio
        ((1.0, 0.9, 1.1), (1.2, 1.1, 1.3), ""),
        ((1.0, 1.0, 1.0), (1.015, 1.015, 1.015), ""),
    ],
)
def test_a_step_needs_intervals_that_are_apart_by_more_than_the_margin(
    was: tuple[float, float, float], now: tuple[float, float, float], said: str
) -> None:
    assert step(Total(*was), Total(*now)) == said


def test_who_follows_the_fastest_is_as_uncertain_as_its_own_layers(tmp_path: Path) -> None:
    """A ratio to the fastest one that never varies says nothing of a machine on which both vary alike."""
    wandering = [[scale * (1 + 0.1 * (place % 3)) for place in range(9)] for scale in (1e-3, 1.15e-3)]
    runs = []
    for day, of_fastest in enumerate(wandering, 1):
        cells = [cell("a", PROBLEM, of_fastest), cell("b", PROBLEM, [2 * seconds for seconds in of_fastest])]
        found = analyse(run_of(tmp_path, cells, name=f"2026-01-{day:02}T03-04-05Z"))
        runs.append(Dated(str(day), "", "A", recorded(found.run, found.timings, found.groups).networks))
    (_, (_, _, _, points)) = histories(runs)[0].rows
    assert [(point.step, point.interval) for point in points] == [
        ("", "1.15 ms to 1.38 ms"),
        ("", "2.30 ms to 2.76 ms"),
    ]


def simulated(generator: np.random.Generator, runs: int, starts: int, slower: float = 1.0) -> list[Own]:
    """Runs of a network of four layers: a start shifts all layers alike, by twice what starts usually scatter."""
    layers, rounds = 4, 3
    shifts = generator.normal(0.0, 2 * START_SD, (runs, 1, starts, 1))
    logs = shifts + generator.normal(0.0, 0.01, (runs, layers, starts, rounds)) + np.log(slower)
    rows = ClusterRows.of(np.exp(logs).reshape(runs * layers, -1), np.repeat(np.arange(starts), rounds))
    medians, lows, highs = (ends.reshape(runs, layers).sum(axis=1).tolist() for ends in rows.median_intervals())
    return [Own(Total(*ends), 0.5, starts) for ends in zip(medians, lows, highs, strict=True)]


def pairs_marked(starts: int, slower: float = 1.0, seed: int = 1) -> tuple[float, float]:
    """The shares of pairs of two runs with a step, and of those of which nobody can tell."""
    generator = np.random.default_rng(seed)
    before, after = simulated(generator, 600, starts), simulated(generator, 600, starts, slower)
    runs = [
        Dated(
            day, day, "A", [RecordedNetwork(str(number), 1, True, {"a": one}, ()) for number, one in enumerate(found)]
        )
        for day, found in (("1", before), ("2", after))
    ]
    points = [found.rows[1][3][0] for found in histories(runs)]
    return float(np.mean([bool(one.step) for one in points])), float(np.mean([bool(one.unknown) for one in points]))


def test_of_identical_runs_no_more_are_marked_than_the_page_says() -> None:
    """Of runs with fewer starts none is, where without that rule a third would be; and a step of half is found."""
    marked, unknown = pairs_marked(starts=3)
    assert 0 < marked <= SHARE_MARKED
    assert unknown == 0
    marked, unknown = pairs_marked(starts=1)
    assert marked == 0
    assert unknown > 1 / 3
    marked, _ = pairs_marked(starts=3, slower=1.5)
    assert marked > 0.95
