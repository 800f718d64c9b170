"""Which run a session goes on with: damaged files, other rules, and who is told what."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from changed_policy import changed_policy
from no_plain_files import A_TERABYTE, NO_PLAIN_FILES, hollow
from scripted_run import ScriptedPool, kill_after, planned, script

from pointwise_bench.suites.harness.record.tracked_runs import KEPT
from pointwise_bench.suites.harness.run import resumption
from pointwise_bench.suites.harness.run.options import BadOption


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedPool]:
    return script(monkeypatch)


DAMAGES: dict[str, Any] = {
    "format": [None, 2, 10**400, "1", True],
    "options": [None, 5, [], {}, {"seed": "x", "time_budget_s": None}, {"seed": -1, "time_budget_s": None}],
    "environment": [None, [], {}, {"packages": 5}],
    "ceilings": [None, {}, [5], [{}], [{"threads": 1}], "x"],
    "passes": [None, {}, "x"],
    "totals": [[], {"wall_s": "x", "timed_s": 1.0}, {"wall_s": 1.0}, {"wall_s": 10**400, "timed_s": 1.0}],
    "first_look": [None, "x", 0, True],
    "libraries": [[], 5],
    "ran": [[], "x"],
    "properties": [[], "x"],
    "in_sequence": [{}, "x"],
}


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key, values in DAMAGES.items() for value in values],
    ids=lambda one: str(one)[:20],
)
def test_a_run_whose_file_is_damaged_or_newer_is_not_resumed_and_the_place_is_named(
    tmp_path: Path, key: str, value: Any
) -> None:
    path = kill_after(tmp_path, 3).folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    before = path.read_bytes()
    with pytest.raises(BadOption) as refused:
        planned(tmp_path).resume()
    line = str(refused.value)
    assert line.startswith(f"--resume: {path}: ")
    assert key in line
    assert "\n" not in line
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["cells.jsonl", "checkpoint.jsonl", "run.json.draft", "claims.jsonl", "controls.jsonl", "report"]
)
@pytest.mark.parametrize("kind", NO_PLAIN_FILES)
def test_a_run_with_a_link_or_a_pipe_in_it_is_not_resumed_and_the_place_is_named(
    tmp_path: Path, name: str, kind: str
) -> None:
    """Of a pipe one had waited for ever, and through a link written into another file."""
    path = kill_after(tmp_path, 3).folder / name
    path.unlink(missing_ok=True)
    NO_PLAIN_FILES[kind](path)
    if (name, kind) == ("report", "a folder"):
        return planned(tmp_path).resume()
    with pytest.raises(BadOption, match=f"^--resume: {path}: is not what a run has there"):
        planned(tmp_path).resume()
    return None


@pytest.mark.parametrize("as_link", [True, False])
def test_a_run_whose_logs_would_go_elsewhere_is_not_resumed(tmp_path: Path, as_link: bool) -> None:
    path = kill_after(tmp_path, 3).workers
    path.rename(tmp_path / "elsewhere")
    if as_link:
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.touch()
    with pytest.raises(BadOption, match=f"^--resume: {path}: is not what a run has there"):
        planned(tmp_path).resume()


@pytest.mark.parametrize("kind", NO_PLAIN_FILES)
def test_what_tells_of_a_run_and_is_no_plain_file_is_passed_over(tmp_path: Path, kind: str) -> None:
    path = kill_after(tmp_path, 3).folder / "run.json"
    path.unlink()
    NO_PLAIN_FILES[kind](path)
    with pytest.raises(BadOption, match="no unfinished run"):
        planned(tmp_path).resume()


def test_a_run_of_another_policy_is_not_resumed_and_the_field_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_folder = kill_after(tmp_path, 3)
    monkeypatch.setattr(resumption, "POLICY", changed_policy(rounds={"turn_s": 0.002}))
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


def test_where_nothing_is_unfinished_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=f"no unfinished run of this machine in {tmp_path}"):
        resumption.resumable(tmp_path, print)


def test_a_time_budget_may_be_another_and_no_other_option(tmp_path: Path) -> None:
    run_folder = kill_after(tmp_path, 3)
    options = {name: value for name, value in run_folder.run["options"].items() if name != "seed"}
    resumption.check_resumable(run_folder, options | {"time_budget_s": 5.0})
    with pytest.raises(BadOption, match=r"option full differs .*: False there, True now"):
        resumption.check_resumable(run_folder, options | {"full": True})


# --- beyond any real run, and where git does not answer -----------------------------------------------------------


@pytest.mark.parametrize("name", ["cells.jsonl", "checkpoint.jsonl", "claims.jsonl", "controls.jsonl"])
def test_a_run_with_a_file_of_a_terabyte_is_not_resumed_and_the_file_is_named(tmp_path: Path, name: str) -> None:
    path = kill_after(tmp_path, 3).folder / name
    hollow(path)
    with pytest.raises(BadOption) as refused:
        planned(tmp_path).resume()
    assert str(refused.value) == (
        f"--resume: {path}: it has 1,099,511,627,776 bytes, and no such file has over 1,073,741,824; "
        "remove it, and what it held is taken from the checkpoint or measured again"
    )
    assert path.stat().st_size == A_TERABYTE


def test_what_tells_of_a_run_and_is_a_terabyte_is_passed_over_and_named(tmp_path: Path) -> None:
    path = kill_after(tmp_path, 3).folder / "run.json"
    hollow(path)
    with pytest.raises(BadOption) as refused:
        planned(tmp_path).resume()
    assert str(refused.value).endswith(
        f"in {tmp_path}; {path} is passed over: it has 1,099,511,627,776 bytes, and no such file has over 33,554,432"
    )


def test_it_is_named_also_where_an_older_run_is_resumed(tmp_path: Path) -> None:
    """It may be the one that was meant."""
    older = kill_after(tmp_path, 3)
    path = older.folder.with_name("9999-01-01T00-00-00Z") / "run.json"
    path.parent.mkdir()
    hollow(path)
    told: list[str] = []
    session = planned(tmp_path, announce=told.append)
    session.resume()
    session.release()
    assert told[0].startswith(f"warning: {path} is passed over: it has 1,099,511,627,776 bytes, ")
    assert told[1].startswith(f"resuming {older.folder}: ")


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (KEPT, "but 1 that git keeps, which are not changed"),
        ("git is silent (why)", "but 1 that are not changed: git is silent (why)"),
    ],
)
def test_a_run_that_is_only_read_is_not_resumed_and_the_reason_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, since: str, said: str
) -> None:
    kill_after(tmp_path, 3)
    monkeypatch.setattr(resumption, "kept_since", lambda folder: since)
    with pytest.raises(BadOption, match=f"{re.escape(said)}$"):
        planned(tmp_path).resume()
