"""Lines of JSON from files that hold anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from no_plain_files import NO_PLAIN_FILES, PRECIOUS

from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.json_lines import bytes_of, json_of, lines_of
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
        bytes_of(tmp_path / "folder")


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
