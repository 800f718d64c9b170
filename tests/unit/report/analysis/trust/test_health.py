"""What a reader must know of a run: its warnings, and the mark of an unstable machine, by each trigger alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import CEILINGS, cell, run_of, write_run
from report_folder import drawing, report

from pointwise_bench.report.__main__ import main
from pointwise_bench.report.analysis.comparisons import compare_run
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.timings import tabulate
from pointwise_bench.report.analysis.trust.health import disturbed_share, turns_again, unreached, unstable, warnings
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.pages.terminal_table import terminal_table
from pointwise_bench.report.reading.run import Run, load_run

PROBLEM = "n1c64h28w28-o128"
CALM = [0.001] * 20


def phase(name: str, scale: float, threads: int = 1) -> dict[str, Any]:
    return CEILINGS[1] | {"phase": name, "threads": threads, "fma_peak_flops": {"float32": 100e9 * scale}}


def folder(tmp_path: Path, beats: list[float], /, **changed: Any) -> Path:
    return write_run(tmp_path, [cell("a", PROBLEM, [1e-3] * 20, canary_s=beats)], **changed)


def said_of(run: Run) -> list[str]:
    """The warnings of a run."""
    return warnings(run, tabulate(run, compare_run(run), Roofs.of(run.settings)))


# --- an unstable machine ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("canary", "changed", "said"),
    [
        ([*CALM[:18], 0.00126, 0.00126], {}, "disturbed in 10% of the rounds"),
        (CALM, {"ceilings": [phase("before", 1.0), phase("after", 1.16)]}, "float32 peak of 1 thread 16% apart"),
        (CALM, {"ceilings": [phase(one, s) for one, s in (("before", 1), ("during", 0.8), ("after", 1))]}, "25% apart"),
        (CALM, {"passes": [{"wall_s": 100.0, "steal_s": 2.1}]}, "2.1% of the time stolen"),
        (CALM, {"passes": [{"wall_s": 50.0, "steal_s": 4.0}, {"wall_s": 50.0, "steal_s": 0.0}]}, "4.0% of the time"),
    ],
    ids=["canary", "peaks", "peak during", "steal", "steal of one pass"],
)
def test_each_trigger_alone_marks_the_first_line(
    tmp_path: Path, canary: list[float], changed: dict[str, Any], said: str
) -> None:
    run = folder(tmp_path, canary, **changed)
    phrase = unstable(load_run(run))
    assert phrase is not None
    assert said in phrase
    assert ", " not in phrase
    mark = f"UNSTABLE MACHINE: {phrase}."
    readme = tmp_path / "README.md"
    readme.write_text("<!-- report:begin -->\n<!-- report:end -->\n", encoding="utf-8")
    with drawing(plots=False):
        assert main([str(run), "--out", str(tmp_path / "out"), "--splice", str(readme)]) == 0
    first_screen = (tmp_path / "out" / "index.html").read_text(encoding="utf-8").split("<section")[0]
    assert f'<div class="light ratios" role="note"><strong>Trust the ratios only</strong>: {phrase}; ' in first_screen
    assert (tmp_path / "out" / "summary.md").read_text(encoding="utf-8").startswith(f"# {mark} ")
    assert readme.read_text(encoding="utf-8").splitlines()[1].startswith(f"**{mark}** ")


@pytest.mark.parametrize(
    ("canary", "changed"),
    [
        ([*CALM[:19], 0.01], {}),
        ([0.00125] * 20, {}),
        (CALM, {"ceilings": [phase("before", 1.0), phase("during", 1.14), phase("after", 1.07)]}),
        (CALM, {"ceilings": [phase("before", 1.0), phase("before", 1.9, threads=2)]}),
        (CALM, {"passes": [{"wall_s": 100.0, "steal_s": 1.9}, {"wall_s": 1.0}, {"steal_s": 50.0}]}),
        ([], {"ceilings": [], "canary": None, "passes": []}),
    ],
    ids=["one slow round", "at the limit", "close peaks", "thread budgets", "little steal", "nothing known"],
)
def test_a_calm_run_has_no_mark(tmp_path: Path, canary: list[float], changed: dict[str, Any]) -> None:
    run = folder(tmp_path, canary, **changed)
    assert unstable(load_run(run)) is None
    assert report(run, tmp_path / "out") == (0, [])
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "UNSTABLE" not in page + (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "took turns in the same rounds and survive this" not in page


def test_backends_times_decide_nothing(tmp_path: Path) -> None:
    wild = [1e-6, 1.0] * 10
    assert unstable(load_run(write_run(tmp_path, [cell("a", PROBLEM, wild, canary_s=CALM)]))) is None


def test_several_triggers_are_all_named(tmp_path: Path) -> None:
    beats = [0.001, 0.002] * 10
    phases = [
        phase("before", 1.0),
        phase("after", 2.0),
        phase("before", 1.0, threads=2),
        phase("after", 1.5, threads=2),
    ]
    run = load_run(folder(tmp_path, beats, ceilings=phases, passes=[{"wall_s": 10.0, "steal_s": 1.0}]))
    assert unstable(run) == (
        "disturbed in 50% of the rounds, float32 peak of 1 thread 100% apart between two measurements, "
        "float32 peak of 2 threads 50% apart between two measurements, 10.0% of the time stolen by other machines"
    )


def test_the_peak_that_differs_most_is_named(tmp_path: Path) -> None:
    peaks = [
        phase("before", 1.0) | {"fma_peak_flops": {"float32": 1e9 * a, "float64": 1e9 * b}} for a, b in ((1, 1), (2, 3))
    ]
    said = unstable(load_run(folder(tmp_path, CALM, ceilings=peaks)))
    assert said == "float64 peak of 1 thread 200% apart between two measurements"


@pytest.mark.parametrize(
    ("beats", "share"),
    [([[0.001] * 4], 0.0), ([[0.00125, 0.00126, 0.001, 0.01]], 0.5), ([[0.001] * 6, [0.01, 0.01]], 0.25), ([[]], None)],
)
def test_the_share_of_disturbed_rounds_is_over_all_cells(
    tmp_path: Path, beats: list[list[float]], share: float | None
) -> None:
    cells = [cell(f"b{number}", PROBLEM, [1e-3] * (len(own) or 3), canary_s=own) for number, own in enumerate(beats)]
    assert disturbed_share(run_of(tmp_path, cells)) == share


def test_a_baseline_from_a_bad_moment_does_not_call_a_disturbed_run_calm(tmp_path: Path) -> None:
    """The baseline is twice what the run's own quickest beats took, so that by it nothing is disturbed."""
    beats = [0.0005] * 6 + [0.001] * 14
    assert disturbed_share(load_run(folder(tmp_path, beats, canary={"baseline_s": 0.001}))) == 0.7


def test_each_thread_budget_has_a_usual_time_of_its_own(tmp_path: Path) -> None:
    """One thread's beats are quicker than those of two: the slower ones are no disturbance."""
    cells = [
        cell(f"b{threads}", PROBLEM, [1e-3] * 10, canary_s=[0.0005 * threads] * 10, threads=threads)
        for threads in (1, 2)
    ]
    assert disturbed_share(run_of(tmp_path, cells)) == 0.0


def test_without_a_baseline_of_the_canary_nothing_is_known(tmp_path: Path) -> None:
    assert disturbed_share(load_run(folder(tmp_path, [0.01] * 20, canary={}))) is None


# --- warnings -----------------------------------------------------------------------------------------------------


def test_cells_that_had_less_than_a_processor_mark_the_run_and_one_backend_that_sleeps_does_not(tmp_path: Path) -> None:
    """Eight busy processes on two cores: a canary of 0.2 ms fits between them, and two threads at once do not."""

    def starved(name: str, *shares: float | None) -> Run:
        cells = [
            cell(f"{device}{number}", PROBLEM, [1e-3] * 20, canary_s=CALM, cpu_over_wall=share, device=device)
            for device in ("cpu", "cuda")
            for number, share in enumerate(shares if device == "cpu" else (0.1,) * len(shares))
        ]
        return run_of(tmp_path / name, cells)

    assert unstable(starved("calm", 0.81, 0.99, 1.9)) is None
    assert unstable(starved("sleeps", 0.1, 0.99, 1.9)) is None
    assert unstable(starved("old", 0.1, None, None)) is None
    said = "67% of the cells had less than 0.8 processors while they were timed"
    assert unstable(starved("starved", 0.31, 0.79, 1.9)) == said


def test_a_calm_and_whole_run_has_no_warning(tmp_path: Path) -> None:
    assert said_of(load_run(folder(tmp_path, CALM))) == []


def test_who_was_asked_for_and_has_nothing_in_an_unfinished_run_is_named(tmp_path: Path) -> None:
    """A finished run has a cell of everybody. What is no name of a backend is not repeated."""
    options = {"backends": ["a", "slow-one", "another", "<b>", 3]}
    run = load_run(folder(tmp_path / "a", CALM, options=options, finished_at=None))
    assert said_of(run)[0].endswith("was not measured. Nothing at all was of: another and slow-one.")
    assert "another and slow-one" in "".join(terminal_table(analyse(run, None)))
    assert unreached(load_run(folder(tmp_path / "b", CALM, options=options))) == ""
    for odd in ({"backends": "slow-one"}, "slow-one", None):
        assert unreached(load_run(folder(tmp_path / f"c{odd}"[:9], CALM, options=odd, finished_at=None))) == ""
    many = {"backends": [f"b{number:02}" for number in range(20)]}
    assert unreached(load_run(folder(tmp_path / "d", CALM, options=many, finished_at=None))).endswith("b11 and 8 more")


def test_what_the_run_itself_warned_of_comes_first(tmp_path: Path) -> None:
    run = load_run(
        folder(tmp_path, CALM, environment={"warnings": ["governor powersave", "turbo on"]}, finished_at=None)
    )
    assert said_of(run) == [
        "governor powersave",
        "turbo on",
        "The run did not finish: what is missing here was not measured.",
    ]


@pytest.mark.parametrize(("slow", "warned"), [(1, False), (2, True)])
def test_an_unsteady_machine_is_one_with_more_than_five_percent_of_disturbed_rounds(
    tmp_path: Path, slow: int, warned: bool
) -> None:
    said = said_of(load_run(folder(tmp_path, [0.0013] * slow + [0.001] * (20 - slow))))
    assert [sentence.partition(":")[0] for sentence in said] == ["The machine was unsteady"] * warned
    assert not warned or "in 10% of the rounds" in said[0]


@pytest.mark.parametrize(
    ("torn", "said"),
    [
        (1, "1 entry of this run could not be used and is left out, named under Left out."),
        (2, "2 entries of this run could not be used and are left out, named under Left out."),
    ],
)
def test_entries_that_could_not_be_used_are_counted(tmp_path: Path, torn: int, said: str) -> None:
    path = folder(tmp_path, CALM)
    with (path / "cells.jsonl").open("a") as file:
        file.write("torn\n" * torn)
    assert said_of(load_run(path)) == [said]


def test_cells_that_are_shown_but_not_compared_are_counted(tmp_path: Path) -> None:
    cells = [
        cell("a", PROBLEM, CALM),
        cell("b", PROBLEM, CALM, isolation="in-process"),
        cell("c", PROBLEM, CALM, arithmetic="tf32"),
        cell("d", PROBLEM, CALM, arithmetic="bf16"),
        cell("e", PROBLEM, status="wrong", isolation="in-process", arithmetic="fp8"),
    ]
    assert said_of(run_of(tmp_path, cells)) == [
        "1 of 4 timed cells ran in-process: they are shown, but never compared or ranked.",
        "2 of 4 timed cells were computed in a reduced precision (bf16, tf32): they are shown, but never compared or "
        "ranked.",
    ]


def test_a_cell_above_its_roof_is_counted_once_however_many_places_it_has(tmp_path: Path) -> None:
    """The problem takes 0.128 ms at the measured peak of 100 GFLOP/s."""
    also = [{"group": "othernet", "name": "late", "count": 1}]
    cells = [cell("a", PROBLEM, [0.127e-3] * 9, also=also), cell("b", PROBLEM, [0.129e-3] * 9, also=also)]
    (said,) = said_of(run_of(tmp_path, cells))
    assert said.startswith("1 of 2 timed cells are above their roof")


@pytest.mark.parametrize(
    ("looked", "said"),
    [
        (
            {"turns": 1234, "again": 17, "spent_s": 0.321},
            "Of 1,234 turns of several threads 17 were taken again for cores that were apart; these turns and waiting "
            "for near cores took 321 ms.",
        ),
        (
            {"turns": 1, "again": 1, "spent_s": 2.0},
            "Of 1 turn of several threads 1 was taken again for cores that were apart; these turns and waiting for "
            "near cores took 2.00 s.",
        ),
        (
            {"turns": 30, "again": 0, "spent_s": 0.05},
            "Of 30 turns of several threads none was taken again for cores that were apart; waiting for near cores "
            "took 50.0 ms.",
        ),
        (
            {"turns": 30, "again": 0, "spent_s": 0},
            "Of 30 turns of several threads none was taken again for cores that were apart.",
        ),
        (None, ""),
        ({"turns": "many"}, ""),
    ],
)
def test_turns_that_were_taken_again_are_told_with_their_time(tmp_path: Path, looked: Any, said: str) -> None:
    run = run_of(tmp_path / "results", [cell("a", PROBLEM, [1e-3] * 9)], core_distance=looked)
    assert turns_again(run) == said
    with drawing(plots=False):
        page = write_site([analyse(run)], tmp_path / "out").read_text(encoding="utf-8")
    assert (page.count(f'<p class="quiet">{said}</p>'), page.count("taken again for")) == (bool(said), bool(said))
