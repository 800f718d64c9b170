"""What an unfinished run has begun, from a file that may hold anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from make_run import cell, run_of, write_run
from no_plain_files import hollow

from pointwise_bench.report.reading.checkpoint import begun
from pointwise_bench.report.reading.run import load_run

FIRST, SECOND = "n1c8h4w4-o8", "n2c8h4w4-o8"


def lines(*keys: tuple[str, int]) -> str:
    return "".join(
        json.dumps({"problem": name, "threads": threads, "pass": 0, "parts": []}) + "\n" for name, threads in keys
    )


def test_problems_with_rounds_and_without_a_whole_cell_are_counted_once(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9), cell("a", SECOND, status="unavailable")])
    text = lines((FIRST, 1), (FIRST, 2), (SECOND, 1), (SECOND, 1))
    (folder / "checkpoint.jsonl").write_text(text, encoding="utf-8")
    assert begun(load_run(folder)) == 2


@pytest.mark.parametrize(
    "damage",
    [
        *(b"{", b"[]\n", b'{"problem": "x"}\n', b"\xff\n", b'{"problem": 3, "threads": 1}\n'),
        *(b'{"problem": "x", "threads": %b}\n' % threads for threads in (b"[]", b"1e999", b"2.5", b'"2"', b"true")),
    ],
)
def test_a_line_that_is_none_is_passed_over(tmp_path: Path, damage: bytes) -> None:
    folder = write_run(tmp_path, [])
    (folder / "checkpoint.jsonl").write_bytes(lines((FIRST, 1)).encode() + damage)
    assert begun(load_run(folder)) == 1


def test_no_file_and_one_that_leads_elsewhere_are_none(tmp_path: Path) -> None:
    run = run_of(tmp_path, [])
    assert begun(run) == 0
    (tmp_path / "elsewhere").write_text(lines((FIRST, 1)), encoding="utf-8")
    (run.folder / "checkpoint.jsonl").symlink_to(tmp_path / "elsewhere")
    assert begun(run) == 0


def test_one_that_cannot_be_read_is_a_defect_of_an_unfinished_run_and_of_no_other(tmp_path: Path) -> None:
    for finished_at in (None, "2026-01-02T03:14:05Z"):
        folder = write_run(tmp_path / str(finished_at), [], finished_at=finished_at)
        hollow(folder / "checkpoint.jsonl")
        run = load_run(folder)
        assert begun(run) == 0
        assert len(run.defects) == (finished_at is None)
        for defect in run.defects:
            assert defect.startswith("checkpoint.jsonl: cannot be read (it has 1,099,511,627,776 bytes")
            assert str(tmp_path) not in defect
