"""The folder of a run: where it is made, that ``run.json`` is whole or not there, and which one is resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from no_plain_files import hollow

from pointwise_bench.common.formats import MOST_LINES_BYTES
from pointwise_bench.common.regular_files import oversize
from pointwise_bench.suites.harness.record.json_lines import CannotRecord
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.record.run_folder import RunFolder, newest_unfinished, now, oversized, too_large

STARTED = "2026-01-02T03:04:05.678+00:00"


def new_run(started_at: str = STARTED, machine: str = "a-machine", finished_at: str | None = None) -> dict[str, Any]:
    return {"machine": machine, "started_at": started_at, "finished_at": finished_at}


# --- folders ------------------------------------------------------------------------------------------------------


def test_a_run_has_a_folder_by_machine_and_time_with_its_format(tmp_path: Path) -> None:
    run_folder = RunFolder.create(tmp_path, new_run())
    assert run_folder.folder == tmp_path / "a-machine" / "2026-01-02T03-04-05Z"
    assert json.loads((run_folder.folder / "run.json").read_text()) == {"format": 1, **new_run()}
    assert run_folder.workers.is_dir()


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    run_folders = [RunFolder.create(tmp_path, new_run()) for _ in range(3)]
    assert len({run_folder.folder for run_folder in run_folders}) == 3


def test_writing_the_run_again_replaces_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder = RunFolder.create(tmp_path, new_run())
    run_folder.run["finished_at"] = now()

    def fails(self: Path, target: Path) -> None:
        raise OSError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails)
        with pytest.raises(CannotRecord, match=r"run\.json: cannot be written: pulled the plug"):
            run_folder.write()
    assert json.loads((run_folder.folder / "run.json").read_text())["finished_at"] is None
    run_folder.write()
    assert json.loads((run_folder.folder / "run.json").read_text())["finished_at"] == run_folder.run["finished_at"]


def test_a_folder_opened_again_has_the_parts_of_unfinished_cells(tmp_path: Path) -> None:
    run_folder = RunFolder.create(tmp_path, new_run())
    part = PassSamples("numpy-matmul", 0, STARTED)
    run_folder.checkpoint.append(("n1c8h4w4-o8", 1), 0, [part])
    found = newest_unfinished(tmp_path, "a-machine")
    assert found is not None
    assert found.checkpoint.parts(("n1c8h4w4-o8", 1)) == {"numpy-matmul": {0: part}}


# --- what --resume looks for --------------------------------------------------------------------------------------


def test_the_newest_unfinished_run_of_this_machine_is_taken_up(tmp_path: Path) -> None:
    for second, finished_at in ((1, None), (3, None), (2, None), (4, STARTED)):
        RunFolder.create(tmp_path, new_run(f"2026-01-02T03:04:0{second}.000+00:00", finished_at=finished_at))
    RunFolder.create(tmp_path, new_run("2026-01-02T03:04:09.000+00:00", machine="another-machine"))
    found = newest_unfinished(tmp_path, "a-machine")
    assert found is not None
    assert found.run["started_at"][17:19] == "03"
    found.run["finished_at"] = STARTED
    found.write()
    found = newest_unfinished(tmp_path, "a-machine")
    assert found is not None
    assert found.run["started_at"][17:19] == "02"


@pytest.mark.parametrize("text", ['{"format": 1,', "[]", "null", ""])
def test_a_run_file_that_is_no_run_is_passed_over(tmp_path: Path, text: str) -> None:
    older = RunFolder.create(tmp_path, new_run("2026-01-02T03:04:01.000+00:00"))
    run_folder = RunFolder.create(tmp_path, new_run("2026-01-02T03:04:09.000+00:00"))
    (run_folder.folder / "run.json").write_text(text)
    found = newest_unfinished(tmp_path, "a-machine")
    assert found is not None
    assert found.folder == older.folder
    (older.folder / "run.json").unlink()  # killed before it was written
    assert newest_unfinished(tmp_path, "a-machine") is None
    assert newest_unfinished(tmp_path / "absent", "a-machine") is None


# --- what is too large --------------------------------------------------------------------------------------------


def test_a_file_that_is_too_large_is_named(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, new_run()).folder
    assert too_large(folder) is None
    assert oversized(folder / "run.json") is oversized(folder / "absent") is None
    hollow(folder / "cells.jsonl", MOST_LINES_BYTES)
    assert too_large(folder) is None
    hollow(folder / "cells.jsonl", MOST_LINES_BYTES + 1)
    assert too_large(folder) == f"{folder / 'cells.jsonl'}: {oversize(MOST_LINES_BYTES + 1, MOST_LINES_BYTES)}"
    hollow(folder / "run.json")
    assert newest_unfinished(tmp_path, "a-machine") is None
    assert (oversized(folder / "run.json") or "").startswith("it has 1,099,511,627,776 bytes")
