"""The record of a run: every finished cell survives, whatever happens to the process that wrote it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from places import HELPERS, ROOT

from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.record.run_folder import RunFolder, newest_unfinished, now

STARTED = "2026-01-02T03:04:05.678+00:00"


def new_cell(problem: str = "n1c8h4w4-o8", **changed: Any) -> Cell:
    fixed: dict[str, Any] = {
        "backend": "numpy-matmul",
        "problem": problem,
        "threads": 1,
        "group": "basics",
        "name": problem,
        "count": 1,
        "device": "cpu",
        "output": "fresh",
        "isolation": "worker",
        "started_at": now(),
        "samples_s": [1e-6, 2e-6],
        "calls": 10,
        "process": [0, 0],
        "round": [0, 1],
        "canary_s": [5e-4, 5e-4],
    }
    return Cell(**fixed | changed)


def new_run(started_at: str = STARTED, machine: str = "a-machine", finished_at: str | None = None) -> dict[str, Any]:
    return {"machine": machine, "started_at": started_at, "finished_at": finished_at}


def lines(record: RunFolder) -> list[str]:
    return (record.folder / "cells.jsonl").read_text().splitlines()


# --- folders ------------------------------------------------------------------------------------------------------


def test_a_run_has_a_folder_by_machine_and_time_with_its_format(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    assert record.folder == tmp_path / "a-machine" / "2026-01-02T03-04-05Z"
    assert json.loads((record.folder / "run.json").read_text()) == {"format": 1, **new_run()}
    assert record.workers.is_dir()


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    records = [RunFolder.create(tmp_path, new_run()) for _ in range(3)]
    assert len({record.folder for record in records}) == 3
    for record in records:
        record.append([new_cell()])
    assert [len(lines(record)) for record in records] == [1, 1, 1]


def test_writing_the_run_again_replaces_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunFolder.create(tmp_path, new_run())
    record.run["finished_at"] = now()

    def fails(self: Path, target: Path) -> None:
        raise OSError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails)
        with pytest.raises(OSError, match="pulled the plug"):
            record.write()
    assert json.loads((record.folder / "run.json").read_text())["finished_at"] is None
    record.write()
    assert json.loads((record.folder / "run.json").read_text())["finished_at"] == record.run["finished_at"]


# --- cells --------------------------------------------------------------------------------------------------------


def test_cells_come_back_as_they_were(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    written = [new_cell(), new_cell("n2c8h4w4-o8", status="wrong", reason="says \u00e4 and \n", samples_s=[])]
    written.append(new_cell("n3c8h4w4-o8", error_ratio=0.25, also=[{"group": "g", "name": "n", "count": 2}]))
    record.append(written[:2])
    record.append([])
    record.append(written[2:])
    assert list(record.cells()) == written


def test_a_cell_can_be_asked_for_by_its_key_and_only_where_it_is(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    written = [new_cell(), new_cell(threads=2), new_cell(backend="other", reason="\u00e4")]
    record.append(written)
    for each in (record, RunFolder(record.folder, record.run)):
        assert [each.cell(cell.key) for cell in written] == written
        assert len(each) == 3
        assert ("numpy-matmul", "n1c8h4w4-o8", 2) in each
        assert ("numpy-matmul", "n1c8h4w4-o8", 3) not in each
        with pytest.raises(KeyError):
            each.cell(("numpy-matmul", "n1c8h4w4-o8", 3))


def test_cells_are_counted_by_status(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    record.append([new_cell(), new_cell(threads=2, status="wrong"), new_cell(threads=3)])
    assert record.statuses == RunFolder(record.folder, record.run).statuses == {"ok": 2, "wrong": 1}


def test_cells_are_on_disk_when_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunFolder.create(tmp_path, new_run())
    seen_at_sync: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen_at_sync.append(len(lines(record))))
    record.append([new_cell()])
    record.append([new_cell(), new_cell()])
    assert seen_at_sync == [1, 3]  # whole lines had left our buffers before the system was asked to keep it


def test_a_cell_survives_a_writer_that_is_killed(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from test_run_folder import new_cell, new_run
from pointwise_bench.suites.harness.record.run_folder import RunFolder
RunFolder.create(Path(sys.argv[1]), new_run()).append([new_cell()])
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = os.pathsep.join([str(ROOT / "src"), str(HELPERS), str(Path(__file__).parent)])
    command = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=False, timeout=60)
    record = newest_unfinished(tmp_path, "a-machine")
    assert record is not None
    assert [cell.problem for cell in record.cells()] == ["n1c8h4w4-o8"]


def test_a_torn_line_is_cut_off_before_another_follows(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    record.append([new_cell()])
    path = record.folder / "cells.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + '{"backend": "numpy-matmul", "reason": "half a character \u00e4'.encode()[:-1])
    resumed = RunFolder(record.folder, record.run)
    assert path.read_bytes() == whole
    resumed.append([new_cell("n2c8h4w4-o8")])
    assert [cell.problem for cell in resumed.cells()] == ["n1c8h4w4-o8", "n2c8h4w4-o8"]
    assert [cell.problem for cell in RunFolder(record.folder, record.run).cells()] == ["n1c8h4w4-o8", "n2c8h4w4-o8"]


def test_a_line_that_is_no_cell_is_cut_out(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    record.append([new_cell()])
    path = record.folder / "cells.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b'{"problem": "n1c8h4w4-o8", "threads": 1, "pass": 0, "parts": []}\ngarbled\n' + whole)
    assert [cell.problem for cell in RunFolder(record.folder, record.run).cells()] == ["n1c8h4w4-o8"]
    assert path.read_bytes() == whole


def test_a_whole_file_is_left_alone_and_an_absent_one_is_not_made(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    assert list(record.cells()) == []
    assert not (record.folder / "cells.jsonl").exists()
    record.append([new_cell()])
    before = (record.folder / "cells.jsonl").stat()
    assert len(RunFolder(record.folder, record.run)) == 1
    assert (record.folder / "cells.jsonl").stat().st_mtime_ns == before.st_mtime_ns


def test_a_record_opened_again_has_the_parts_of_unfinished_cells(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    part = PassSamples("numpy-matmul", 0, STARTED)
    record.checkpoint.append(("n1c8h4w4-o8", 1), 0, [part])
    found = newest_unfinished(tmp_path, "a-machine")
    assert found is not None
    assert found.checkpoint.parts(("n1c8h4w4-o8", 1)) == {"numpy-matmul": {0: part}}


def test_keys_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    record = RunFolder.create(tmp_path, new_run())
    record.append([new_cell()])
    (line,) = lines(record)
    (record.folder / "cells.jsonl").write_text(json.dumps(json.loads(line) | {"invented_later": 1}) + "\n")
    assert list(RunFolder(record.folder, record.run).cells()) == list(record.cells())


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
    record = RunFolder.create(tmp_path, new_run("2026-01-02T03:04:09.000+00:00"))
    (record.folder / "run.json").write_text(text)
    found = newest_unfinished(tmp_path, "a-machine")
    assert found is not None
    assert found.folder == older.folder
    (older.folder / "run.json").unlink()  # killed before it was written
    assert newest_unfinished(tmp_path, "a-machine") is None
    assert newest_unfinished(tmp_path / "absent", "a-machine") is None
