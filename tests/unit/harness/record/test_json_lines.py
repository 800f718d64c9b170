"""Files of JSON lines: durable when written, and read where the offsets say."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.suites.harness.record import json_lines
from pointwise_bench.suites.harness.record.json_lines import CannotRecord, append_lines, line_at, lines_in, placed_lines

GOOD: list[dict[str, Any]] = [{"key": 1}, {"key": 2, "text": "\u00e4 and \n"}, {"key": 3}]


def read(path: Path) -> list[dict[str, Any]]:
    return [line for _, line in lines_in(path)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.jsonl"


def test_what_is_appended_comes_back(path: Path) -> None:
    append_lines(path, GOOD[:2])
    append_lines(path, [])
    append_lines(path, GOOD[2:])
    assert read(path) == GOOD


def test_an_absent_file_has_no_lines_and_is_not_made(path: Path) -> None:
    assert read(path) == []
    assert not path.exists()


def test_offsets_lead_to_their_lines_whether_written_or_read(path: Path) -> None:
    written = append_lines(path, GOOD[:2]) + append_lines(path, GOOD[2:])
    assert written == [offset for offset, _ in lines_in(path)]
    with path.open("rb") as file:
        for offset, line in zip(written, GOOD, strict=True):
            file.seek(offset)
            assert json.loads(file.readline()) == line


def test_lines_are_on_disk_when_append_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen_at_sync: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen_at_sync.append(path.read_bytes().count(b"\n")))
    append_lines(path, GOOD[:1])
    append_lines(path, GOOD[1:])
    assert seen_at_sync == [1, 3]  # whole lines had left our buffers before the system was asked to keep them


def test_what_is_no_number_in_json_is_refused_before_anything_is_written(path: Path) -> None:
    append_lines(path, GOOD[:1])
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_lines(path, [GOOD[1], {"key": float("nan")}])
    assert read(path) == GOOD[:1]


@pytest.mark.parametrize("taken", [0, 1, 5, 10**6])
def test_a_disk_that_fills_up_in_a_line_leaves_none_of_it(
    path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_lines(path, GOOD[:1])
    whole = path.read_bytes()
    real = json_lines._write

    def fills_up(file: Any, content: bytes) -> None:
        real(file, content[:taken])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(json_lines, "_write", fills_up)
        with pytest.raises(CannotRecord, match=r"some\.jsonl: cannot be written: No space left on device"):
            append_lines(path, GOOD[1:])
    assert path.read_bytes() == whole
    append_lines(path, GOOD[1:])
    assert read(path) == GOOD


def test_a_write_that_takes_a_part_only_is_gone_on_with(path: Path) -> None:
    class Slow:
        """Takes three bytes at a time."""

        def __init__(self) -> None:
            self.written = b""

        def write(self, content: memoryview) -> int:
            """As a file does that is not buffered."""
            self.written += content[:3]
            return min(3, len(content))

    slow: Any = Slow()
    json_lines._write(slow, b"ten bytes!")
    assert slow.written == b"ten bytes!"


def test_of_a_line_that_is_too_long_only_so_much_is_kept_and_the_next_have_their_places(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 10)
    monkeypatch.setattr(json_lines, "PART", 7)
    written = [b"1" * 10 + b"\n", b"2" * 11 + b"\n", b"3" * 100 + b"\n", b"4\n", b"5" * 50]
    path.write_bytes(b"".join(written))
    with path.open("rb") as file:
        found = list(placed_lines(file))
    assert [line for _, line in found] == [written[0], written[1], b"3" * 12, b"4\n", b"5" * 12]
    assert [json_lines.is_too_long(line) for _, line in found] == [False, True, True, False, True]
    assert [place.number for place, _ in found] == [1, 2, 3, 4, 5]
    whole = path.read_bytes()
    assert [whole[place.offset : place.offset + place.size] for place, _ in found] == written


def test_lines_that_the_system_does_not_give_are_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    said = f"^{re.escape(str(tmp_path))}: cannot be read: "
    with pytest.raises(CannotRecord, match=said):
        list(lines_in(tmp_path))
    with pytest.raises(CannotRecord, match=said):
        line_at(tmp_path, 0)
