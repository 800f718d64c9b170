"""A run from the outside: begun, killed and resumed, and what it says of the rules it was measured by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from changed_policy import changed_policy
from scripted_run import BACKENDS, PROBLEMS, ScriptedPool, kill_after, planned, script, starts_of

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.project_version import project_version
from pointwise_bench.suites.harness.run import session as session_module
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
    pool.served.clear()
    resume(tmp_path)
    assert pool.served == []


# --- by which rules -----------------------------------------------------------------------------------------------


def test_a_run_says_by_which_policy_and_by_which_version_it_was_measured(tmp_path: Path) -> None:
    session = planned(tmp_path)
    session.cell(PROBLEMS[0], 1, BACKENDS[0])
    assert session.run_folder is not None
    on_disk = json.loads((session.run_folder.folder / "run.json").read_text())
    assert on_disk["policy"] == POLICY.written()
    assert on_disk["project"] == project_version()


def test_a_run_of_another_policy_is_not_resumed_and_the_field_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_folder = kill_after(tmp_path, 3)
    monkeypatch.setattr(session_module, "POLICY", changed_policy(rounds={"turn_s": 0.002}))
    with pytest.raises(BadOption) as refused:
        planned(tmp_path).resume()
    assert str(refused.value) == (
        f"--resume: policy rounds.turn_s differs from the run in {run_folder.folder}: 0.004 there, 0.002 now"
    )


@pytest.mark.parametrize("damaged", [None, 5, [], {}])
def test_a_run_that_does_not_say_by_which_policy_is_not_resumed(tmp_path: Path, damaged: Any) -> None:
    """It was begun by an earlier version, or its file is damaged."""
    path = kill_after(tmp_path, 3).folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"policy": damaged}))
    with pytest.raises(BadOption, match=r"policy rounds\.turn_s differs .*: None there, 0\.004 now"):
        planned(tmp_path).resume()
