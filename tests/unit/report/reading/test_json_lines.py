"""Lines of JSON from files that hold anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from no_plain_files import NO_PLAIN_FILES, PRECIOUS, hollow

from pointwise_bench.report.reading import json_lines
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.json_lines import bytes_of, json_of, json_of_line, lines_of
from pointwise_bench.report.reading.value_readers import Defect


def test_lines_are_numbered_from_one_and_blank_ones_are_passed_over_but_counted(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"a\n\n  \r\nb\n\xff\nlast, torn")
    assert list(lines_of(path)) == [(1, b"a"), (4, b"b"), (5, b"\xff"), (6, b"last, torn")]


def test_a_file_that_is_absent_has_no_lines(tmp_path: Path) -> None:
    assert list(lines_of(tmp_path / "absent")) == []


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"folder: cannot be read \(Is a directory\); restore the file"):
        (tmp_path / "folder").mkdir()
        bytes_of(tmp_path / "folder", 100)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a": 1', "not JSON that can be read (Expecting"),
        (b"", "not JSON that can be read (Expecting value"),
        (b'"\xe9"', "not UTF-8 (byte 0xe9 at 1)"),
        ("{}".encode("utf-16"), "not UTF-8 (byte 0xff at 0)"),
        (b"[" * 100_000, "not JSON that can be read (nested too deeply)"),
        (b"9" * 5000, "not JSON that can be read (Exceeds the limit"),
        (b"{} {}", "not JSON that can be read (Extra data"),
    ],
    ids=["torn", "empty", "latin-1", "utf-16", "deep", "long number", "two values"],
)
def test_what_is_no_json_is_said_on_one_line(data: bytes, said: str) -> None:
    with pytest.raises(Defect) as caught:
        json_of(data)
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


# 100 examples: the value passes through two calls, and what may break it is its encoding, which most texts have.
@settings(max_examples=100, deadline=None)
@given(JSON)
def test_what_json_can_say_is_read_as_it_was_written(value: Any) -> None:
    assert json_of(json.dumps(value).encode()) == value


# 300 examples of up to 60 bytes: half of them are no text in UTF-8, most others are no JSON.
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_defect(data: bytes) -> None:
    said = ""
    try:
        json_of(data)
    except Defect as defect:
        said = str(defect)
    assert said.isprintable()


@pytest.mark.parametrize("planted", NO_PLAIN_FILES)
def test_what_is_no_plain_file_is_not_read_not_followed_and_not_waited_for(planted: str, tmp_path: Path) -> None:
    path = tmp_path / "cells.jsonl"
    NO_PLAIN_FILES[planted](path)
    with pytest.raises(ReportError) as caught:
        list(lines_of(path))
    assert str(caught.value).startswith(f"{path}: cannot be read (")
    assert PRECIOUS not in str(caught.value)


# --- beyond any real run ------------------------------------------------------------------------------------------


def test_a_file_that_is_too_large_is_named_with_its_size_and_not_read(tmp_path: Path) -> None:
    """A terabyte, which ended in a MemoryError."""
    path = tmp_path / "cells.jsonl"
    path.write_bytes(b"{}\n")
    hollow(path)
    for read in (lambda: bytes_of(path, 1024), lambda: list(lines_of(path))):
        with pytest.raises(ReportError) as caught:
            read()
        said = str(caught.value)
        assert said.startswith(f"{path}: cannot be read (it has 1,099,511,627,776 bytes, and no such file has over 1,")
        assert said.endswith("); restore the file or remove the run")
        assert "\n" not in said


def test_of_a_line_that_is_too_long_only_so_much_is_kept_and_the_next_ones_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 10)
    monkeypatch.setattr(json_lines, "_PART", 7)
    path = tmp_path / "cells.jsonl"
    path.write_bytes(b"1" * 10 + b"\n" + b"2" * 11 + b"\n" + b"3" * 100 + b"\n4\n" + b"5" * 50)
    read = list(lines_of(path))
    assert [number for number, _ in read] == [1, 2, 3, 4, 5]
    assert [line for _, line in read] == [b"1" * 10, b"2" * 11, b"3" * 11, b"4", b"5" * 11]
    for number, line in read:
        if number in (1, 4):
            assert json_of_line(line) == json_of(line)
        else:
            with pytest.raises(Defect, match=r"^is longer than 10 bytes, which no line of a run is$"):
                json_of_line(line)


def test_a_file_of_too_many_lines_is_refused_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank ones count: a file of nothing else would be read for minutes."""
    monkeypatch.setattr(json_lines, "MOST_LINES_OF_FILES", 3)
    path = tmp_path / "cells.jsonl"
    path.write_bytes(b"1\n\n3\n")
    assert [number for number, _ in lines_of(path)] == [1, 3]
    path.write_bytes(b"1\n\n3\n\n")
    with pytest.raises(ReportError, match=r"cannot be read \(it has over 3 lines, which no such file has\)"):
        list(lines_of(path))


def test_json_that_does_not_fit_into_the_memory_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(text: str) -> None:
        raise MemoryError

    monkeypatch.setattr(json, "loads", fails)
    with pytest.raises(Defect, match="the memory does not suffice"):
        json_of(b"{}")
