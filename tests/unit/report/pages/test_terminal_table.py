"""The end of a run in the terminal: ten lines that a person reads."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from make_groups import LAYERS, group_of, standing
from make_run import cell, run_of, write_run

from pointwise_bench.report.analysis.groups import ReportGroup
from pointwise_bench.report.pages.run_analysis import RunAnalysis, analyse
from pointwise_bench.report.pages.terminal_table import MOST_ROWS, terminal_table
from pointwise_bench.report.reading.run import load_run

CROSS = "\N{MULTIPLICATION SIGN}"
DASH = "\N{EN DASH}"


def lines(folder: Path, *groups: ReportGroup, baseline: str | None = "base") -> list[list[str]]:
    """The table of a run that has these groups, each line as its columns."""
    found = analyse(run_of(folder, []))
    made = RunAnalysis(found.run, baseline, found.ceilings, found.timings, found.comparisons, list(groups), [])
    return [[column.strip() for column in line.split("  ") if column.strip()] for line in terminal_table(made)]


def test_a_network_is_one_line_with_all_that_is_asked(tmp_path: Path) -> None:
    standings = [
        standing("a", 1e-3, "fastest", of_roof=0.861),
        standing("b", 1.2e-3, "slower", behind=(1.2, 1.1, 1.3)),
        standing("base", 3e-3, "slower", behind=(3.0, 2.9, 3.1)),
    ]
    head, row, legend = lines(tmp_path, group_of("tinynet", standings))
    assert head == ["network", "fastest", "all layers", "ahead of the next", "over base", "of the roof"]
    assert row == ["tinynet", "a", "1.00 ms", f"1.20{CROSS} [1.10, 1.30] b", f"3.00{CROSS} [2.90, 3.10]", "86 %"]
    assert legend == ["[low, high]: 95 % interval; =: the same within 2 %; ?: not enough evidence to tell"]


def test_the_same_and_the_unclear_have_signs_of_their_own(tmp_path: Path) -> None:
    standings = [
        standing("base", 1e-3, "fastest"),
        standing("b", 1e-3, "same", behind=(1.0, 0.99, 1.01)),
        standing("c", 1.1e-3, "undecided", behind=(1.1, 0.9, 1.3)),
        standing("d", 1.2e-3, "undecided", behind=(1.2, 0.8, 1.4)),
        standing("e", 2e-3, "slower", behind=(2.0, 1.8, 2.2)),
    ]
    _, row, _ = lines(tmp_path, group_of("tinynet", standings))
    unclear = f"1.10{CROSS} [0.90, 1.30] c? and 1 more; 2.00{CROSS} [1.80, 2.20] e"
    assert row == ["tinynet", "base = b?", "1.00 ms", unclear, "is it", DASH]


def test_of_many_that_are_the_same_three_are_named(tmp_path: Path) -> None:
    alike = [standing("a", 1.0, "fastest"), *(standing(name, 1.0, "same", behind=(1.0, 1.0, 1.0)) for name in "bcde")]
    assert lines(tmp_path, group_of("tinynet", alike))[1][1] == "a = b = c = 2 more"
    assert lines(tmp_path / "four", group_of("tinynet", alike[:4]))[1][1] == "a = b = c = d"


def test_an_incomplete_network_says_so_and_has_no_winner(tmp_path: Path) -> None:
    _, row, _ = lines(tmp_path, group_of("tinynet", [standing("a", None, timed=1)], missing=LAYERS[1:]))
    assert row == ["tinynet", "incomplete: 1 of 2 layers", *[DASH] * 4]


def test_without_a_baseline_or_anybody_else_there_is_nothing_to_be_ahead_of(tmp_path: Path) -> None:
    _, row, _ = lines(tmp_path, group_of("tinynet", [standing("a", 1.0, "fastest")]), baseline=None)
    assert row == ["tinynet", "a", "1.00 s", "nobody else with all layers", DASH, DASH]


def test_no_more_than_ten_networks_are_shown(tmp_path: Path) -> None:
    groups = [group_of(f"net{number}", [standing("a", 1.0, "fastest")]) for number in range(MOST_ROWS + 3)]
    found = lines(tmp_path, *groups)
    assert [row[0] for row in found[1:-2]] == [f"net{number}" for number in range(MOST_ROWS)]
    assert found[-2] == ["and 3 more: on the page"]


def test_thread_budgets_are_named_where_there_are_several(tmp_path: Path) -> None:
    groups = [group_of("tinynet", [standing("a", 1.0, "fastest")], threads=threads) for threads in (1, 2)]
    assert [row[0] for row in lines(tmp_path, *groups)[1:3]] == ["tinynet, 1 thread", "tinynet, 2 threads"]


def test_of_shapes_that_are_no_network_it_is_said_who_is_fastest_most_often(tmp_path: Path) -> None:
    sweep = group_of("sweep-batch", [standing("a", 1.0, "fastest", leading=2)])
    assert lines(tmp_path, sweep)[1] == ["sweep-batch, 1 thread", "a", "2 of 2"]
    assert lines(tmp_path / "none") == []


def test_an_unstable_machine_is_named_first(tmp_path: Path) -> None:
    run = run_of(tmp_path, [cell("a", "n1c8h4w4-o8", [1e-3] * 9, canary_s=[0.002] * 9)])
    assert terminal_table(analyse(run))[0] == "UNSTABLE MACHINE: disturbed in 100% of the rounds"


@pytest.mark.alone
def test_a_usual_run_costs_less_than_two_seconds(tmp_path: Path) -> None:
    """131 problems and eighteen backends of three passes, reading included: the end of a run is waited for."""
    generator = np.random.default_rng(16)
    cells = [
        cell(f"backend-{name}", f"n1c{8 * problem}h4w4-o8", generator.lognormal(-7, 0.01, 60), process=[0, 1, 2] * 20)
        for problem in range(1, 132)
        for name in range(18)
    ]
    folder = write_run(tmp_path, cells)
    # Of the processor: what else runs on the machine is not the table's.
    began = time.process_time()
    assert terminal_table(analyse(load_run(folder)))
    assert time.process_time() - began < 2.0
