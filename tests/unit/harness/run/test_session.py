"""A run from the outside: begun, killed and resumed, and what it says of the rules it was measured by."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from scripted_run import BACKENDS, PROBLEMS, ScriptedPool, kill_after, planned, script, starts_of

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.project_version import project_version
from pointwise_bench.suites.harness.record import costs_file, mending
from pointwise_bench.suites.harness.record.json_lines import CannotRecord
from pointwise_bench.suites.harness.run.options import BadOption
from pointwise_bench.suites.harness.run.session import Session


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedPool]:
    return script(monkeypatch)


def resume(results: Path) -> Session:
    session = planned(results)
    session.resume()
    for problem in PROBLEMS:
        for name in BACKENDS:
            assert session.cell(problem, 1, name).status == "ok"
    session.finish()
    assert session.run_folder is not None
    assert session.run_folder.run["finished_at"]
    return session


@pytest.mark.parametrize("slots", range(4 * POLICY.rounds.passes))
def test_a_resumed_run_runs_what_is_missing_in_workers_with_new_numbers(
    tmp_path: Path, pool: type[ScriptedPool], slots: int
) -> None:
    """A process that was killed and its successor are two starts: with one number they would count as one."""
    run_folder = kill_after(tmp_path, slots)
    done = len(run_folder.checkpoint)
    assert done == slots // 2
    session = resume(tmp_path)
    assert len(pool.served) == 2 * (len(PROBLEMS) * POLICY.rounds.passes - done)
    for problem in PROBLEMS:
        for name in BACKENDS:
            assert len(starts_of(session, problem, name)) == POLICY.rounds.passes


def test_a_resumed_run_takes_no_further_pass_over_what_was_decided(tmp_path: Path, pool: type[ScriptedPool]) -> None:
    """Killed between the last part and the cells."""
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert session.run_folder is not None
    (session.run_folder.folder / "cells.jsonl").write_text("")
    session.release()
    pool.served.clear()
    resume(tmp_path)
    assert pool.served == []


# --- damaged files ------------------------------------------------------------------------------------------------

GARBAGE: list[Any] = [None, 5, "x", [], {}, -1, 1.5, float("nan"), 10**400, True, ["x"], {"x": 1}, [None]]


def test_whatever_a_line_of_a_run_is_damaged_to_the_run_is_finished_and_the_line_kept(
    tmp_path: Path, pool: type[ScriptedPool]
) -> None:
    """One value of one line at a time, of cells and of the checkpoint; 25 at random of the some hundred pairs."""
    rng = Random(3)
    for trial in range(25):
        results = tmp_path / str(trial)
        pool.served.clear()
        folder = kill_after(results, 4 + trial % 8).folder
        path = rng.choice([one for one in folder.glob("*.jsonl") if one.stat().st_size])
        lines = path.read_text().splitlines()
        place = rng.randrange(len(lines))
        line = json.loads(lines[place])
        owner = rng.choice(line["parts"]) if "parts" in line and rng.random() < 0.7 else line
        owner[rng.choice(list(owner))] = rng.choice(GARBAGE)
        lines[place] = json.dumps(line)
        path.write_text("\n".join(lines) + "\n")
        resume(results).release()


LACKING = {
    "claims.jsonl": '{"claim": "stride", "backend": "a", "threads": 1}\n',
    "controls.jsonl": '{"backend": "a", "problem": "n1c8h4w4-o8", "threads": 1}\n',
}


def damage_a_line(folder: Path, name: str) -> tuple[int, str]:
    """Damage a line of a run's file; its number and its problem. Where there is none, one that lacks keys."""
    path = folder / name
    if name in LACKING:
        path.write_text(LACKING[name])
        return 1, ""
    lines = path.read_text().splitlines()
    line = json.loads(lines[1])
    (line["parts"][1] if name == "checkpoint.jsonl" else line)["samples_s"][2] = "x"
    path.write_text("".join(f"{one}\n" for one in (lines[0], json.dumps(line), *lines[2:])))
    return 2, line["problem"]


@pytest.mark.parametrize("others", [0, 2])
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("cells.jsonl", f"{BACKENDS[1]} {{problem}} (1 thread): samples_s[2] cannot be read"),
        ("checkpoint.jsonl", "{problem} (1 thread): parts[1].samples_s[2] cannot be read"),
        ("claims.jsonl", "stride a (1 thread): device is missing"),
        ("controls.jsonl", "a n1c8h4w4-o8 (1 thread): group is missing"),
    ],
)
def test_of_lines_that_cannot_be_used_file_line_and_key_are_told_and_how_many_there_are(
    tmp_path: Path, pool: type[ScriptedPool], name: str, fault: str, others: int
) -> None:
    folder = kill_after(tmp_path, 11).folder
    number, problem = damage_a_line(folder, name)
    with (folder / name).open("a") as file:
        file.write('{"problem": 5}\n' * others)
    told: list[str] = []
    session = planned(tmp_path, announce=told.append)
    session.resume()
    session.release()
    lines = "it and 2 other lines that cannot be used are" if others else "it is"
    aside = f"{lines} in {name}.damaged now; what it held is taken from the checkpoint or measured again"
    assert told[1:] == [f"{folder / name}, line {number}: {fault.format(problem=problem)}; {aside}"]
    assert (folder / f"{name}.damaged").read_text().count("\n") == 1 + others
    told.clear()
    session = planned(tmp_path, announce=told.append)
    session.resume()
    assert len(told) == 1  # it was told of, and is no news
    session.release()
    resume(tmp_path).release()


@pytest.mark.parametrize("name", ["cells.jsonl", "checkpoint.jsonl", "claims.jsonl", "controls.jsonl"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_file_that_the_system_does_not_give_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, at: int
) -> None:
    """When it is opened or, as of a bad disk, when it is read; it had been a traceback of pytest's."""
    folder = kill_after(tmp_path, 11).folder
    (folder / name).touch()
    usual = Path.open

    def fails(self: Path, *arguments: Any, **keywords: Any) -> Any:
        file = usual(self, *arguments, **keywords)
        if self.name == name and at:
            file.readline = bad_disk
        elif self.name == name:
            file.close()
            bad_disk()
        return file

    monkeypatch.setattr(Path, "open", fails)
    with pytest.raises(BadOption) as refused:
        planned(tmp_path).resume()
    assert str(refused.value) == f"--resume: {folder / name}: cannot be read: {os.strerror(errno.EIO)}"


def bad_disk(*arguments: Any) -> Any:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_lines_that_the_disk_does_not_take_where_they_are_moved_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = kill_after(tmp_path, 11).folder
    damage_a_line(folder, "cells.jsonl")
    before = (folder / "cells.jsonl").read_bytes()
    monkeypatch.setattr(mending, "_move", full_disk)
    with pytest.raises(BadOption, match=r"^--resume: file: cannot be written: No space left on device$"):
        planned(tmp_path).resume()
    assert (folder / "cells.jsonl").read_bytes() == before


# --- by which rules -----------------------------------------------------------------------------------------------


def test_a_run_says_by_which_policy_and_by_which_version_it_was_measured(tmp_path: Path) -> None:
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert session.run_folder is not None
    on_disk = json.loads((session.run_folder.folder / "run.json").read_text())
    assert on_disk["policy"] == POLICY.written()
    assert on_disk["project"] == project_version()


# --- at its end ---------------------------------------------------------------------------------------------------


def full_disk(*_: object) -> None:
    raise CannotRecord("file: cannot be written: No space left on device")


def test_costs_that_the_disk_does_not_take_are_warned_of_and_the_run_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs_file, "save", full_disk)
    told: list[str] = []
    session = planned(tmp_path)
    monkeypatch.setattr(session, "_announce", told.append)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    session.finish()
    assert session.run_folder is not None
    assert json.loads((session.run_folder.folder / "run.json").read_text())["finished_at"]
    assert "file: cannot be written: No space left on device: the next run plans without" in told[-1]


def test_a_session_whose_end_the_disk_does_not_take_is_summed_up_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no totals then; the summary had ended in a traceback."""
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert session.run_folder is not None
    monkeypatch.setattr(session, "_finish", full_disk)
    with pytest.raises(CannotRecord):
        session.finish()
    assert session.account is not None
    assert (
        next(session.account.summary()) == f"{len(PROBLEMS) * len(BACKENDS)} cells: {len(PROBLEMS) * len(BACKENDS)} ok"
    )
