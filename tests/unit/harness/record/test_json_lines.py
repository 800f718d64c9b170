"""Files of JSON lines: durable when written, mended when opened, and read where the offsets say."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.suites.harness.record import json_lines
from pointwise_bench.suites.harness.record.json_lines import CannotRecord, append_lines, damaged, good_lines

GOOD: list[dict[str, Any]] = [{"key": 1}, {"key": 2, "text": "\u00e4 and \n"}, {"key": 3}]


def has_key(line: dict[str, Any]) -> bool:
    return "key" in line


def read(path: Path) -> list[dict[str, Any]]:
    return [line for _, line in good_lines(path, has_key)]


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
    assert written == [offset for offset, _ in good_lines(path, has_key)]
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


@pytest.mark.parametrize(
    "bad",
    [
        b'{"key": 4',
        b'{"key": 4}',  # whole, but nobody knows that: its end of line is missing
        '{"key": "\u00e4'.encode()[:-1],
        b"\0" * 100,  # what some file systems leave after a power failure
    ],
    ids=["half", "no end", "half a character", "zeros"],
)
def test_a_torn_last_line_is_cut_off_before_another_follows(path: Path, bad: bytes) -> None:
    append_lines(path, GOOD[:2])
    whole = path.read_bytes()
    path.write_bytes(whole + bad)
    assert read(path) == GOOD[:2]
    assert path.read_bytes() == whole
    append_lines(path, GOOD[2:])
    assert read(path) == GOOD


@pytest.mark.parametrize(
    "bad",
    [b"", b"garbled", b"\xff\xfe", b'{"other": 1}', b"[1, 2]", b"null", b'{"key": 1}{"key": 2}', b"[" * 100_000],
    ids=["empty", "garbled", "not UTF-8", "foreign", "a list", "null", "glued", "too deep"],
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_bad_line_anywhere_is_cut_out_and_offsets_stay_right(path: Path, bad: bytes, place: int) -> None:
    encoded = [json.dumps(line).encode() for line in GOOD]
    encoded.insert(place, bad)
    path.write_bytes(b"".join(line + b"\n" for line in encoded))
    found = list(good_lines(path, has_key))
    assert [line for _, line in found] == GOOD
    with path.open("rb") as file:
        for offset, line in found:
            file.seek(offset)
            assert json.loads(file.readline()) == line
    assert path.read_bytes().count(b"\n") == len(GOOD)
    assert {each.name for each in path.parent.iterdir()} == {path.name, "some.jsonl.damaged"}
    assert damaged(path).read_bytes() == bad + b"\n"


def test_a_good_file_is_not_written_again(path: Path) -> None:
    append_lines(path, GOOD)
    path.chmod(0o400)
    before = path.stat()
    assert read(path) == GOOD
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_mended_file_replaces_the_old_one_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_lines(path, GOOD)
    torn = path.read_bytes() + b'{"key'
    path.write_bytes(torn)

    def fails(self: Path, target: Path) -> None:
        raise OSError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails)
        with pytest.raises(CannotRecord, match="pulled the plug"):
            read(path)
    assert path.read_bytes() == torn
    assert read(path) == GOOD


def test_what_is_no_number_in_json_is_refused_before_anything_is_written(path: Path) -> None:
    append_lines(path, GOOD[:1])
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_lines(path, [GOOD[1], {"key": float("nan")}])
    assert read(path) == GOOD[:1]


def test_lines_that_are_moved_aside_join_those_that_were(path: Path) -> None:
    """Nothing that somebody has written is thrown away."""
    append_lines(path, GOOD[:1])
    for bad in (b"first\n", b"second, torn"):
        path.write_bytes(path.read_bytes() + bad)
        assert read(path) == GOOD[:1]
    assert damaged(path).read_bytes() == b"first\nsecond, torn\n"


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
