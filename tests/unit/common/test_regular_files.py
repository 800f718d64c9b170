"""Files opened carefully: a link, a pipe, a device or a folder in their place is neither followed nor waited for."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from no_plain_files import A_TERABYTE, NO_PLAIN_FILES, PRECIOUS, hollow

from pointwise_bench.common import regular_files
from pointwise_bench.common.regular_files import (
    TooLarge,
    open_regular,
    open_sized,
    read_earlier,
    read_regular,
    write_whole,
)


@pytest.fixture(params=NO_PLAIN_FILES)
def planted(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "a.log"
    NO_PLAIN_FILES[request.param](path)
    return path


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(planted: Path, flags: int) -> None:
    with pytest.raises(OSError):
        open_regular(planted, flags)
    assert not planted.with_name("absent").exists()


def test_a_regular_file_is_opened_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "plain"
    descriptor = open_regular(path, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"text")
    os.close(descriptor)
    descriptor = open_regular(path, os.O_RDONLY)
    assert os.read(descriptor, 100) == b"text"
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_reading_does_not_wait_for_what_is_no_regular_file_and_reads_what_is(planted: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        read_regular(planted, 100)
    (tmp_path / "plain").write_bytes(b"text")
    assert read_regular(tmp_path / "plain", 4) == b"text"


def test_what_is_too_large_is_refused_by_its_size_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "plain"
    path.write_bytes(b"text!")
    for read in (read_regular, open_sized):
        with pytest.raises(TooLarge, match=r"^it has 5 bytes, and no such file has over 4$"):
            read(path, 4)
    hollow(path)
    for read in (read_regular, open_sized):
        with pytest.raises(TooLarge, match=r"^it has 1,099,511,627,776 bytes, and no such file has over 1,024$"):
            read(path, 1024)


def test_what_grows_while_it_is_read_is_refused_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plain"
    path.write_bytes(b"text!")
    real = os.fstat
    sizes = {"st_size": 0}

    def small(descriptor: int) -> SimpleNamespace:
        return SimpleNamespace(st_mode=real(descriptor).st_mode, **sizes)

    monkeypatch.setattr(os, "fstat", small)
    with pytest.raises(TooLarge, match=r"^it has 5 bytes"):
        read_regular(path, 4)


@pytest.mark.parametrize("name", ["a.log", "a.log.draft"])
@pytest.mark.parametrize("kind", [kind for kind in NO_PLAIN_FILES if kind != "a folder"])
def test_what_is_written_whole_takes_the_place_of_what_is_there_and_follows_nothing(
    tmp_path: Path, name: str, kind: str
) -> None:
    path = tmp_path / "a.log"
    NO_PLAIN_FILES[kind](tmp_path / name)
    for text in ("long text", "text"):
        write_whole(path, text)
        assert path.read_text() == text
    assert not path.is_symlink()
    assert {each.name for each in tmp_path.iterdir()} <= {"a.log", PRECIOUS}
    if (precious := tmp_path / PRECIOUS).exists():
        assert precious.read_text() == PRECIOUS


@pytest.mark.parametrize("name", ["a.log", "a.log.draft"])
def test_a_folder_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "a.log", "text")
    assert (tmp_path / name).is_dir()


# --- what is read before it is written anew -----------------------------------------------------------------------


def entries(content: Any) -> list[int]:
    if content["format"] != 1:
        raise ValueError("of another format")
    return [each + 0 for each in content["entries"]]


def test_what_is_there_is_read_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert read_earlier(path, 100, entries) == []
    path.write_text('{"format": 1, "entries": [3]}')
    assert read_earlier(path, 100, entries) == [3]
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "\udcff", "[]", "3", "[" * 100_000),
        '{"format": 2}',
        '{"format": 1}',
        '{"format": 1, "entries": [[]]}',
    ],
)
def test_what_cannot_be_used_is_put_aside(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, errors="surrogateescape")
    assert read_earlier(path, 1 << 20, entries) == []
    assert [each.name for each in tmp_path.iterdir()] == ["a.json.damaged"]
    assert (tmp_path / "a.json.damaged").read_text(errors="surrogateescape") == text


def test_what_is_too_large_is_put_aside_unread(tmp_path: Path) -> None:
    hollow(tmp_path / "a.json")
    assert read_earlier(tmp_path / "a.json", 100, entries) == []
    assert (tmp_path / "a.json.damaged").stat().st_size == A_TERABYTE


@pytest.mark.parametrize("kind", [kind for kind in NO_PLAIN_FILES if kind != "a folder"])
def test_what_is_no_plain_file_holds_nothing_and_is_left_to_be_replaced(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    NO_PLAIN_FILES[kind](path)
    assert read_earlier(path, 100, entries) == []
    assert os.path.lexists(path)
    assert not path.with_name("a.json.damaged").exists()


def test_what_the_system_does_not_give_is_not_taken_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be written over."""
    (tmp_path / "a folder").mkdir()
    with pytest.raises(IsADirectoryError):
        read_earlier(tmp_path / "a folder", 100, entries)

    def refused(path: Path, most: int) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.json").write_text('{"format": 1, "entries": [3]}')
    monkeypatch.setattr(regular_files, "read_regular", refused)
    with pytest.raises(PermissionError):
        read_earlier(tmp_path / "a.json", 100, entries)


def test_what_cannot_be_written_whole_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "a.json", "text")
    assert list(tmp_path.iterdir()) == []
