"""What the page says of one run: facts, sections with their tables, and plots with names of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from make_claims import CLEAN, DESCRIBED, lines_of, write_claims
from make_run import cell, run_of
from report_folder import drawing

from pointwise_bench.common.status import STATUSES
from pointwise_bench.report.pages import run_page as run_page_module
from pointwise_bench.report.pages.run_analysis import RunAnalysis, analyse
from pointwise_bench.report.pages.run_page import RunPlace, RunWork, Section, _environment, cells_plotted, facts_of
from pointwise_bench.report.plots.style import looks
from pointwise_bench.report.reading.run import load_run

PROBLEM, OTHER = "n1c64h28w28-o128", "n1c128h14w14-o64"


def page_of(found: RunAnalysis, folder: Path, prefix: str = "") -> dict[str, Any]:
    """What the page shows, with empty files in the place of plots."""
    return shown_at(found, RunPlace(folder, "index.html", prefix))


def shown_at(found: RunAnalysis, place: RunPlace) -> dict[str, Any]:
    with drawing(plots=False):
        work = RunWork(found, looks((*found.run.backends, *found.run.claims.backends)), place)
        return work.page([job() for job in work.jobs])


def timed(backend: str, problem: str, seconds: float = 1e-3, **changed: Any) -> dict[str, Any]:
    """A cell whose rounds all took the same."""
    return cell(backend, problem, [seconds] * 9, **changed)


def sources(section: Section) -> list[str]:
    return [plot.source for plot in section.plots]


# --- how much is drawn --------------------------------------------------------------------------------------------


def test_of_many_cells_few_are_plotted_and_those_of_the_newest_run_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [timed(backend, problem) for backend in "ab" for problem in (PROBLEM, OTHER)]
    runs = [analyse(run_of(tmp_path / name, cells)) for name in ("old", "new", "newest")]
    assert cells_plotted(runs) == [run_page_module.MOST_PLOTTED] * 3
    monkeypatch.setattr(run_page_module, "MOST_CELLS", 11)
    monkeypatch.setattr(run_page_module, "MOST_PLOTTED_OF_MANY", 6)
    assert cells_plotted(runs) == [0, 2, 6]


def test_a_plot_counts_as_so_many_cells_however_few_it_has(tmp_path: Path) -> None:
    cells = [timed("a", f"n{1 + number}c8h4w4-o8", group=f"net{number}") for number in range(4)]
    place = RunPlace(tmp_path / "out", "index.html", "", plotted=2 * run_page_module.FRAME_COSTS)
    page = shown_at(analyse(run_of(tmp_path, cells)), place)
    assert [len(section.plots) for section in page["sections"]] == [1, 1, 0, 0]


# --- sections and plots -------------------------------------------------------------------------------------------


def test_a_section_for_each_group_and_thread_budget_with_its_plot(tmp_path: Path) -> None:
    cells = [timed("a", PROBLEM), timed("a", PROBLEM, threads=2), timed("a", OTHER, group="basics")]
    page = page_of(analyse(run_of(tmp_path, cells)), tmp_path / "out", "1-")
    said = [(section.group.name, section.group.threads, sources(section)) for section in page["sections"]]
    assert said == [
        ("tinynet", 1, ["plots/1-tinynet-threads-1.svg"]),
        ("tinynet", 2, ["plots/1-tinynet-threads-2.svg"]),
        ("basics", 1, ["plots/1-basics-threads-1.svg"]),
    ]
    written = {path.name for path in (tmp_path / "out" / "plots").iterdir()}
    assert written >= {Path(plot).name for *_, plots in said for plot in plots}


def test_a_sweep_has_one_plot_for_all_thread_budgets_shown_once(tmp_path: Path) -> None:
    cells = [timed("a", f"n{n}c8h4w4-o8", group="sweep-batch", threads=threads) for n in (1, 2) for threads in (1, 2)]
    page = page_of(analyse(run_of(tmp_path, cells)), tmp_path / "out")
    assert [sources(section) for section in page["sections"]] == [["plots/sweep-batch.svg"], []]


def test_a_section_has_a_table_of_its_own_thread_budget_where_there_is_a_time(tmp_path: Path) -> None:
    cells = [timed("a", PROBLEM, 1e-3), timed("a", PROBLEM, 5e-3, threads=2), cell("a", OTHER, group="basics")]
    sections = page_of(analyse(run_of(tmp_path, cells)), tmp_path / "out")["sections"]
    texts = [section.table and section.table.totals[0].text for section in sections]
    assert texts == ["1.00", "5.00", None]
    assert [section.answer.fastest for section in sections] == ["a", "a", "none"]


def test_a_roofline_for_each_element_type_and_thread_budget_with_a_time(tmp_path: Path) -> None:
    cells = [
        timed("a", PROBLEM),
        timed("a", f"{PROBLEM}-float64", threads=2),
        cell("a", f"{PROBLEM}-bfloat16", status="wrong"),
    ]
    page = page_of(analyse(run_of(tmp_path, cells)), tmp_path / "out", "2-")
    assert [(title, shown.source) for title, shown in page["rooflines"]] == [
        ("float32, 1 thread", "plots/2-roofline-float32-threads-1.svg"),
        ("float64, 2 threads", "plots/2-roofline-float64-threads-2.svg"),
    ]


# --- facts --------------------------------------------------------------------------------------------------------


def test_the_facts_say_where_and_when_and_what_is_wrong(tmp_path: Path) -> None:
    folder_cells = [timed("b", PROBLEM), timed("a", PROBLEM, 2e-3), cell("c", PROBLEM, status="wrong", reason="no")]
    facts = facts_of(analyse(run_of(tmp_path, folder_cells, passes=[{"wall_s": 0}])))
    assert (facts["machine"], facts["name"], facts["started_at"]) == (
        "testbed-2-0123abcd",
        "2026-01-02T03-04-05Z",
        "2026-01-02T03:04:05Z",
    )
    assert facts["baseline"] == "a"
    assert facts["headline"].startswith("On tinynet, b is fastest: 2.00")
    assert facts["verdicts"].startswith("1 pairs compared: 1 decided")
    assert [(row.backend, row.status, row.reason) for row in facts["failures"]] == [("c", "wrong", "no")]
    assert len(facts["left_out"]) == len(facts["warnings"]) == 1
    assert facts["unstable"] is None
    assert [(number, group.name, one.fastest) for number, group, one in facts["answers"]] == [(1, "tinynet", "b")]


def test_networks_are_told_from_other_groups(tmp_path: Path) -> None:
    cells = [timed("a", PROBLEM), timed("a", OTHER, group="basics"), timed("a", OTHER, group="sweep-x", threads=2)]
    facts = facts_of(analyse(run_of(tmp_path, cells)))
    assert [group.name for group in facts["networks"]] == ["tinynet"]
    assert [group.name for _, group, _ in facts["answers"]] == ["tinynet", "basics", "sweep-x"]


def test_a_run_of_claims_alone_has_them_in_its_headline(tmp_path: Path) -> None:
    folder = write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)
    with_network = facts_of(analyse(load_run(folder)))["headline"]
    assert "What a 1x1 convolution buys" not in with_network
    (folder / "cells.jsonl").write_text("", encoding="utf-8")
    settings = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(settings | {"selection": []}), encoding="utf-8")
    alone = facts_of(analyse(load_run(folder)))["headline"]
    assert alone == "What a 1x1 convolution buys: 2 claims, measured on 2 backends."


def test_facts_of_the_environment_are_said_plainly_and_its_warnings_elsewhere(tmp_path: Path) -> None:
    said = {"cpu_model": "x", "packages": {"numpy": "2.0", "torch": "2.9"}, "load": [0.5, [1, 2]], "warnings": ["w"]}
    run = run_of(tmp_path, [], environment=said, ran={"a, 1 threads": "openblas"})
    assert _environment(run) == [
        ("cpu model", "x"),
        ("packages", "numpy 2.0, torch 2.9"),
        ("load", "0.5, 1, 2"),
        ("what ran: a, 1 threads", "openblas"),
    ]


# --- the rest of the page -----------------------------------------------------------------------------------------


def test_the_page_has_tables_of_correctness_costs_and_the_devices_clock(tmp_path: Path) -> None:
    cells = [timed("a", PROBLEM), timed("d", PROBLEM, device="cuda", device_samples_s=[5e-4] * 9)]
    page = page_of(analyse(run_of(tmp_path, cells)), tmp_path / "out")
    assert page["outcomes"] == ([(STATUSES.index("ok"), "ok")], [one for one in STATUSES if one != "ok"])
    assert [row.backend for row in page["correctness"]] == ["a", "d"]
    assert [row.backend for row in page["costs"]] == ["a", "d"]
    assert [(row["backend"], row["device_median_s"]) for row in page["device_clock"]] == [("d", 5e-4)]


def test_the_plot_of_gains_is_named_where_there_is_one(tmp_path: Path) -> None:
    found = analyse(load_run(write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)))
    assert page_of(found, tmp_path / "out", "3-")["gains_plot"].source == "plots/3-claims.svg"
    nothing = RunWork(analyse(run_of(tmp_path, [])), {}, RunPlace(tmp_path / "none", "index.html", "")).page([])
    assert nothing["gains_plot"] is None
