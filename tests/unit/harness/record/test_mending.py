"""Files of JSON lines, mended when they are opened: what is moved aside, and what is said of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from pointwise_bench.suites.harness.record import json_lines, mending
from pointwise_bench.suites.harness.record.json_lines import CannotRecord, append_lines, lines_in
from pointwise_bench.suites.harness.record.mending import Damage, FaultOf, damaged, mend

GOOD: list[dict[str, Any]] = [{"key": 1}, {"key": 2, "text": "\u00e4 and \n"}, {"key": 3}]


def lacks_key(line: dict[str, Any]) -> str | None:
    return None if "key" in line else "key is missing"


def read(path: Path) -> list[dict[str, Any]]:
    """What is in a file, once it is mended."""
    mend(path, lacks_key)
    return [line for _, line in lines_in(path)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.jsonl"


def test_an_absent_file_is_not_made(path: Path) -> None:
    assert mend(path, lacks_key) is None
    assert not path.exists()


TORN = "is torn, its end is missing"


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
    assert mend(path, lacks_key) == Damage(path, 3, TORN, 0)
    assert path.read_bytes() == whole
    append_lines(path, GOOD[2:])
    assert read(path) == GOOD


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is no JSON"),
    "garbled": (b"garbled", "is no JSON"),
    "not UTF-8": (b"\xff\xfe", "is no JSON"),
    "foreign": (b'{"other": 1}', "key is missing"),
    "whose": (b'{"backend": "a", "problem": "n1", "threads": 2}', "a n1 (2 threads): key is missing"),
    "a claim's": (b'{"claim": "c", "backend": "a", "threads": 1}', "c a (1 thread): key is missing"),
    "nobody's": (b'{"backend": 5, "problem": "", "threads": true}', "key is missing"),
    "hostile": (b'{"backend": "a\\u001b[31m\\n' + b"x" * 500 + b'"}', f"a [31m {'x' * 70}...: key is missing"),
    "a list": (b"[1, 2]", "is no object"),
    "null": (b"null", "is no object"),
    "glued": (b'{"key": 1}{"key": 2}', "is no JSON"),
    "too deep": (b"[" * 100_000, "is no JSON"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_bad_line_anywhere_is_cut_out_and_named_and_offsets_stay_right(path: Path, bad: str, place: int) -> None:
    encoded = [json.dumps(line).encode() for line in GOOD]
    encoded.insert(place, BAD[bad][0])
    path.write_bytes(b"".join(line + b"\n" for line in encoded))
    assert mend(path, lacks_key) == Damage(path, place + 1, BAD[bad][1], 0)
    found = list(lines_in(path))
    assert [line for _, line in found] == GOOD
    with path.open("rb") as file:
        for offset, line in found:
            file.seek(offset)
            assert json.loads(file.readline()) == line
    assert path.read_bytes().count(b"\n") == len(GOOD)
    assert {each.name for each in path.parent.iterdir()} == {path.name, "some.jsonl.damaged"}
    assert damaged(path).read_bytes() == BAD[bad][0] + b"\n"


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


def test_what_is_moved_aside_is_on_the_disk_before_the_file_is_written_without_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power failure would leave the one, and of the other an empty file."""
    path.write_bytes(b'{"key": 1}\n' + b"bad\n")
    usual, steps = os.fsync, []

    def noted(descriptor: int) -> None:
        place = next(one for one in path.parent.iterdir() if one.stat().st_ino == os.fstat(descriptor).st_ino)
        draft = path.with_name(f"{path.name}.draft")
        steps.append((place.name, place.read_bytes(), draft.exists()))
        usual(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    mend(path, lacks_key)
    assert steps == [
        ("some.jsonl.damaged", b"bad\n", False),
        ("some.jsonl.draft", b'{"key": 1}\n', True),
    ]


def test_of_a_million_bad_lines_only_the_first_fault_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fault(str):
        """A text that is counted while it is there."""

        __slots__ = ("__weakref__",)

    there: WeakSet[Fault] = WeakSet()
    most = 0

    def bad(line: bytes, fault_of: FaultOf) -> str:
        nonlocal most
        fault = Fault(line.decode().strip())
        there.add(fault)
        most = max(most, len(there))
        return fault

    monkeypatch.setattr(mending, "_fault", bad)
    path.write_text("".join(f"{number}\n" for number in range(100)))
    assert mend(path, lacks_key) == Damage(path, 1, "0", 99)
    assert most <= 3  # the first, the last and the present one


def test_lines_that_are_moved_aside_join_those_that_were(path: Path) -> None:
    """Nothing that somebody has written is thrown away."""
    append_lines(path, GOOD[:1])
    for bad in (b"first\n", b"second, torn"):
        path.write_bytes(path.read_bytes() + bad)
        assert read(path) == GOOD[:1]
    assert damaged(path).read_bytes() == b"first\nsecond, torn\n"


def test_of_several_lines_the_first_is_named_and_the_others_are_counted(path: Path) -> None:
    lines = [b'{"key": 1}', b"first", b'{"key": 2}', b"second", b"third", b'{"key": 3}']
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    found = mend(path, lacks_key)
    assert found == Damage(path, 2, "is no JSON", 2)
    where = "are in some.jsonl.damaged now"
    assert str(found) == f"{path}, line 2: is no JSON; it and 2 other lines that cannot be used {where}"
    assert str(Damage(path, 2, "is no JSON", 1)).endswith(f"; it and 1 other line that cannot be used {where}")
    assert str(Damage(path, 2, "is no JSON", 0)).endswith("line 2: is no JSON; it is in some.jsonl.damaged now")
    assert damaged(path).read_bytes() == b"first\nsecond\nthird\n"
    assert [line["key"] for _, line in lines_in(path)] == [1, 2, 3]


def test_a_line_that_is_longer_than_any_of_a_run_is_moved_in_parts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_lines, mending):
        monkeypatch.setattr(module, "LONGEST_LINE", 20)
        monkeypatch.setattr(module, "PART", 7)
    long = b'{"key": "' + b"x" * 500 + b'"}\n'
    path.write_bytes(b'{"key": 1}\n' + long + b'{"key": 2}\n' + long)
    assert mend(path, lacks_key) == Damage(path, 2, "is longer than 20 bytes, which no line of a run is", 1)
    assert [line["key"] for _, line in lines_in(path)] == [1, 2]
    assert damaged(path).read_bytes() == long * 2


def test_a_file_of_more_lines_than_any_run_has_is_refused_and_left_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "MOST_LINES_OF_FILES", 2)
    path.write_bytes(b"\n\n\n")
    with pytest.raises(CannotRecord, match=r"some\.jsonl: has over 2 lines, which no such file has; remove it$"):
        mend(path, lacks_key)
    assert path.read_bytes() == b"\n\n\n"
