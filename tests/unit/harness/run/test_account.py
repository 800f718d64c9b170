"""What is said of a run once it is over: cells and time, what failed, what fell short, and what to do next."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_run import BACKENDS, PROBLEMS, ScriptedPool, planned, script

from pointwise_bench.suites.harness.run.account import Account


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedPool]:
    return script(monkeypatch)


def whole_run(results: Path) -> Account:
    """Of a whole run, from its first cell to its end."""
    session = planned(results)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    session.finish()
    assert session.account is not None
    return session.account


def test_the_summary_counts_cells_and_says_where_the_time_went_and_what_to_do_next(tmp_path: Path) -> None:
    account = whole_run(tmp_path)
    first, times, *_ = account.summary()
    run, report = account.what_next()
    assert first == f"{len(PROBLEMS) * len(BACKENDS)} cells: {len(PROBLEMS) * len(BACKENDS)} ok"
    assert re.fullmatch(r"\d+ s in all, \d+ s \(\d+ %\) of it inside timed calls", times)
    assert run == f"run: {account.run_folder.folder}"
    assert report == f"report: pointwise-bench report {account.run_folder.folder}"


def test_the_summary_names_what_failed_once_for_each_backend_and_what_stayed_undecided(tmp_path: Path) -> None:
    account = whole_run(tmp_path)
    cells = account.run_folder.cells
    failed = [replace(cells[BACKENDS[0], each.id, 1], status="crashed", reason="SIGSEGV") for each in PROBLEMS]
    first, second = (each.id for each in sorted(PROBLEMS, key=lambda each: each.id))
    failed = [replace(each, reason="not tried: why") if each.problem == first else each for each in failed]
    kept = replace(cells[BACKENDS[1], PROBLEMS[0].id, 1], status="unsupported", reason="too small")
    (account.run_folder.folder / "cells.jsonl").unlink()
    account.run_folder.cells = type(cells)(account.run_folder.folder / "cells.jsonl")
    account.run_folder.cells.append([*failed, kept])
    account.run_folder.run |= {"undecided": {"pairs": 3, "problems": 2}, "finished_at": None}
    said = [*account.summary(), *account.what_next()]
    assert said[1] == f"{BACKENDS[0]}: crashed on {second}, and on 1 more: SIGSEGV"
    assert "3 pairs on 2 problems stayed undecided" in said
    assert f"run, unfinished (--resume goes on with it): {account.run_folder.folder}" in said
    assert not any("too small" in line for line in said)
    by_name = replace(account, options=replace(account.options, backends=(BACKENDS[1],)))  # whoever did may wonder
    assert f"{BACKENDS[1]}: unsupported on {PROBLEMS[0].id}: too small" in by_name.summary()


def test_what_falls_short_is_told_of_the_cells_that_were_asked_for(tmp_path: Path) -> None:
    """A run that went well has none; one whose cells are lost, or that somebody ended, has."""
    account = whole_run(tmp_path)
    assert account.shortfalls() == []
    account.run_folder.run["finished_at"] = None
    cells = account.run_folder.cells
    wrong = [replace(cells[BACKENDS[0], each.id, 1], status="wrong", reason="far off") for each in PROBLEMS]
    (account.run_folder.folder / "cells.jsonl").unlink()
    account.run_folder.cells = type(cells)(account.run_folder.folder / "cells.jsonl")
    assert account.shortfalls()[0].startswith("nothing was measured")
    account.run_folder.cells.append(wrong)
    by_name = replace(account, options=replace(account.options, backends=(BACKENDS[0],)))
    assert any(BACKENDS[0] in line and "far off" in line for line in by_name.shortfalls())


def test_a_run_in_which_nothing_was_measured_has_no_account(tmp_path: Path) -> None:
    session = planned(tmp_path)
    session.finish()
    assert session.account is None
