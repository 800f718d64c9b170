"""``cells.jsonl``: every finished cell survives, whatever happens to the process that wrote it."""

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
from pointwise_bench.suites.harness.record.cell_file import CellFile
from pointwise_bench.suites.harness.record.mending import Damage


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
        "started_at": "2026-01-02T03:04:05.678+00:00",
        "samples_s": [1e-6, 2e-6],
        "calls": 10,
        "process": [0, 0],
        "round": [0, 1],
        "canary_s": [5e-4, 5e-4],
    }
    return Cell(**fixed | changed)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cells.jsonl"


def test_cells_come_back_as_they_were(path: Path) -> None:
    cells = CellFile(path)
    written = [new_cell(), new_cell("n2c8h4w4-o8", status="wrong", reason="says \u00e4 and \n", samples_s=[])]
    written.append(new_cell("n3c8h4w4-o8", error_ratio=0.25, also=[{"group": "g", "name": "n", "count": 2}]))
    cells.append(written[:2])
    cells.append([])
    cells.append(written[2:])
    assert list(cells) == list(CellFile(path)) == written


def test_a_cell_can_be_asked_for_by_its_key_and_only_where_it_is(path: Path) -> None:
    cells = CellFile(path)
    written = [new_cell(), new_cell(threads=2), new_cell(backend="other", reason="\u00e4")]
    cells.append(written)
    for each in (cells, CellFile(path)):
        assert [each[cell.key] for cell in written] == written
        assert len(each) == 3
        assert ("numpy-matmul", "n1c8h4w4-o8", 2) in each
        assert ("numpy-matmul", "n1c8h4w4-o8", 3) not in each
        with pytest.raises(KeyError):
            each["numpy-matmul", "n1c8h4w4-o8", 3]


def test_cells_are_counted_by_status(path: Path) -> None:
    cells = CellFile(path)
    cells.append([new_cell(), new_cell(threads=2, status="wrong"), new_cell(threads=3)])
    for each in (cells, CellFile(path)):
        assert each.statuses == {"ok": 2, "wrong": 1}
        assert each.failed == {("numpy-matmul", "n1c8h4w4-o8", 2)}


def test_cells_are_on_disk_when_append_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = CellFile(path)
    seen_at_sync: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen_at_sync.append(len(path.read_text().splitlines())))
    cells.append([new_cell()])
    cells.append([new_cell(), new_cell()])
    assert seen_at_sync == [1, 3]  # whole lines had left our buffers before the system was asked to keep it


def test_a_cell_survives_a_writer_that_is_killed(path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from test_cell_file import new_cell
from pointwise_bench.suites.harness.record.cell_file import CellFile
CellFile(Path(sys.argv[1])).append([new_cell()])
os.kill(os.getpid(), signal.SIGKILL)
"""
    search = os.pathsep.join([str(ROOT / "src"), str(HELPERS), str(Path(__file__).parent)])
    command = [sys.executable, "-c", program, str(path)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": search}, check=False, timeout=60)
    assert [cell.problem for cell in CellFile(path)] == ["n1c8h4w4-o8"]


def test_a_torn_line_is_cut_off_before_another_follows(path: Path) -> None:
    CellFile(path).append([new_cell()])
    whole = path.read_bytes()
    path.write_bytes(whole + '{"backend": "numpy-matmul", "reason": "half a character \u00e4'.encode()[:-1])
    resumed = CellFile(path)
    assert path.read_bytes() == whole
    resumed.append([new_cell("n2c8h4w4-o8")])
    for each in (resumed, CellFile(path)):
        assert [cell.problem for cell in each] == ["n1c8h4w4-o8", "n2c8h4w4-o8"]


def test_a_line_that_is_no_cell_is_cut_out(path: Path) -> None:
    CellFile(path).append([new_cell()])
    whole = path.read_bytes()
    path.write_bytes(b'{"problem": "n1c8h4w4-o8", "threads": 1, "pass": 0, "parts": []}\ngarbled\n' + whole)
    assert [cell.problem for cell in CellFile(path)] == ["n1c8h4w4-o8"]
    assert path.read_bytes() == whole


def test_a_whole_file_is_left_alone_and_an_absent_one_is_not_made(path: Path) -> None:
    cells = CellFile(path)
    assert list(cells) == []
    assert not path.exists()
    cells.append([new_cell()])
    before = path.stat()
    assert len(CellFile(path)) == 1
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_keys_of_a_later_version_are_ignored(path: Path) -> None:
    cells = CellFile(path)
    cells.append([new_cell()])
    (line,) = path.read_text().splitlines()
    path.write_text(json.dumps(json.loads(line) | {"invented_later": 1}) + "\n")
    assert list(CellFile(path)) == [new_cell()]


def test_the_key_of_a_line_that_is_no_cell_is_told(path: Path) -> None:
    CellFile(path).append([new_cell(), new_cell("n2c8h4w4-o8")])
    assert CellFile(path).damage is None
    path.write_text(path.read_text().replace('"process":[0,0]', '"process":[0,-1]'))
    damage = CellFile(path).damage
    fault = "numpy-matmul n1c8h4w4-o8 (1 thread): process[1] cannot be read"
    assert damage == Damage(path, 1, fault, 1)
