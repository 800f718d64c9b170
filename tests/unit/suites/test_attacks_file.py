"""``attacks.json``: a kind that is tried again takes its former place, and what no reader would take does not stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from make_attacks import DAMAGED_KINDS, MACHINE, tried, write_attacks
from make_run import run_of
from no_plain_files import NO_PLAIN_FILES, PRECIOUS

from pointwise_bench import Problem
from pointwise_bench.common.formats import ATTACKS_FILE, MOST_ATTACKS_BYTES
from pointwise_bench.report.analysis.trust.attacks import TRIED_KIND, attacked
from pointwise_bench.suites.attacks.attacks_file import entry_of, keep
from pointwise_bench.suites.attacks.course import Attempt
from pointwise_bench.suites.attacks.kinds import KINDS
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.record.json_lines import CannotRecord

KNOWN: Final = {"attacks": ("a", "b", "ring"), "planted": ("d", "e")}
PROBLEM: Final = Problem.parse("n1c8h4w4-o8")
PROJECT: Final = {"version": "1.2.3", "revision": None, "clean": None}


def kept(results: Path) -> list[tuple[str, str]]:
    """The kinds in the file, with when they were tried."""
    content = json.loads((results / MACHINE / ATTACKS_FILE).read_text())
    return [(each["kind"], each["measured_at"]) for each in content["kinds"]]


def test_an_entry_counts_what_came_of_a_kind_as_the_command_judges_it() -> None:
    came = [
        Attempt(PROBLEM, Ended("wrong", "all zeros")),
        Attempt(PROBLEM, Ended("unavailable", "no such device")),
        Attempt(PROBLEM, None, 1.0),
        Attempt(PROBLEM, None, 0.5),
        Attempt(PROBLEM, None),
    ]
    entry = entry_of(KINDS["ring"], "attacks", came, PROJECT)
    counts = ("cells", "refused", "unavailable", "gained")
    assert [entry[key] for key in counts] == [5, 2, 1, 2]
    assert (entry["kind"], entry["threads"], entry["project"]) == ("ring", 1, PROJECT)
    assert entry["tries"] == KINDS["ring"].tries


def test_what_is_written_is_what_a_report_reads(tmp_path: Path) -> None:
    entry = entry_of(KINDS["ring"], "attacks", [Attempt(PROBLEM, None, 0.5)], PROJECT)
    assert entry.keys() == TRIED_KIND.keys()
    run = run_of(tmp_path, [])
    assert keep([entry], run.folder.parent, KNOWN) == run.folder.parent / ATTACKS_FILE
    assert attacked(run).sentence.startswith("Of 1 of the 3 backends that cheat on purpose, 1 got a time that it did")
    assert [row.name for group in attacked(run).groups for row in group.kinds] == ["ring"]


def test_a_kind_takes_its_former_place_and_the_others_stay(tmp_path: Path) -> None:
    calls = [("b", "attacks", "1"), ("d", "planted", "2"), ("a", "attacks", "3"), ("b", "attacks", "4")]
    for kind, group, when in calls:
        keep([tried(kind, group, measured_at=when)], tmp_path / MACHINE, KNOWN)
    assert kept(tmp_path) == [("a", "3"), ("b", "4"), ("d", "2")]
    assert [path.name for path in (tmp_path / MACHINE).iterdir()] == [ATTACKS_FILE]


def test_before_anything_is_tried_the_file_is_there_and_keeps_what_it_had(tmp_path: Path) -> None:
    keep([], tmp_path / MACHINE, KNOWN)
    assert kept(tmp_path) == []
    keep([tried("a")], tmp_path / MACHINE, KNOWN)
    keep([], tmp_path / MACHINE, KNOWN)
    assert [kind for kind, _ in kept(tmp_path)] == ["a"]


def test_a_kind_that_the_project_has_no_more_is_not_counted(tmp_path: Path) -> None:
    write_attacks(tmp_path / MACHINE, [tried("a"), tried("former"), tried("d"), tried("e", "planted")])
    keep([], tmp_path / MACHINE, KNOWN)
    assert [kind for kind, _ in kept(tmp_path)] == ["a", "e"]


@pytest.mark.parametrize(
    "changed",
    [
        {"threads": 0},
        {"threads": 2**40},
        {"cells": 0},
        {"cells": -1},
        {"cells": True},
        {"gained": 1},
        {"unavailable": 10},
        {"refused": None},
        {"tries": 3},
        {"project": 3},
        {"more": 1},
        {"group": []},
        {"project": {"version": "x" * 201}},
        {"project": {"revision": 3}},
        {"project": {"clean": "yes"}},
        {"gained": 2**31 + 1},
        *(changed for changed, _ in DAMAGED_KINDS),
    ],
)
def test_an_entry_that_no_reader_would_take_does_not_stay(changed: Any, tmp_path: Path) -> None:
    """A report refuses all of a file for one of them: trying something else must not leave it so."""
    run = run_of(tmp_path, [])
    write_attacks(run.folder.parent, [3, tried("a") | changed, tried("b")])
    keep([], run.folder.parent, KNOWN)
    assert [row.name for group in attacked(run).groups for row in group.kinds] == ["b"]


def test_a_kind_that_is_there_twice_and_one_that_says_too_much_do_not_hide_the_others(tmp_path: Path) -> None:
    run = run_of(tmp_path, [])
    write_attacks(run.folder.parent, [tried("a", tries="x" * 100_000), tried("b"), tried("b", measured_at="later")])
    keep([tried("ring")], run.folder.parent, KNOWN)
    assert [row.name for group in attacked(run).groups for row in group.kinds] == ["a", "b", "ring"]
    assert (run.folder.parent / ATTACKS_FILE).stat().st_size < 10_000


def test_one_that_is_larger_than_a_report_reads_is_put_aside(tmp_path: Path) -> None:
    path = write_attacks(tmp_path / MACHINE, [tried("b")])
    path.write_text(path.read_text().ljust(MOST_ATTACKS_BYTES + 1))
    keep([tried("a")], tmp_path / MACHINE, KNOWN)
    assert [kind for kind, _ in kept(tmp_path)] == ["a"]
    assert path.with_name(f"{ATTACKS_FILE}.damaged").stat().st_size == MOST_ATTACKS_BYTES + 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "[" * 100_000),
        '{"format": 9, "machine": "testbed-2-0123abcd", "kinds": []}',
        '{"format": 1, "machine": "testbed-2-0123abcd", "kinds": 3}',
        '{"format": 1, "machine": "other"}',
    ],
)
def test_a_file_of_another_kind_is_put_aside(text: str, tmp_path: Path) -> None:
    (tmp_path / MACHINE).mkdir()
    (tmp_path / MACHINE / ATTACKS_FILE).write_text(text)
    keep([tried("a")], tmp_path / MACHINE, KNOWN)
    assert [kind for kind, _ in kept(tmp_path)] == ["a"]
    assert (tmp_path / MACHINE / f"{ATTACKS_FILE}.damaged").read_text() == text


@pytest.mark.parametrize("kind", [each for each in NO_PLAIN_FILES if each != "a folder"])
def test_nothing_is_followed_or_waited_for_in_its_place(kind: str, tmp_path: Path) -> None:
    (tmp_path / MACHINE).mkdir()
    path = tmp_path / MACHINE / ATTACKS_FILE
    NO_PLAIN_FILES[kind](path)
    keep([tried("a")], tmp_path / MACHINE, KNOWN)
    assert not path.is_symlink()
    assert [kind for kind, _ in kept(tmp_path)] == ["a"]
    precious = path.with_name(PRECIOUS)
    assert not precious.exists() or precious.read_text() == PRECIOUS


@pytest.mark.parametrize("where", ["a file for the machine's folder", "a folder for the file"])
def test_what_cannot_be_written_is_one_line_that_names_the_file(where: str, tmp_path: Path) -> None:
    if where == "a folder for the file":
        (tmp_path / MACHINE / ATTACKS_FILE).mkdir(parents=True)
    else:
        (tmp_path / MACHINE).write_text("")
    with pytest.raises(CannotRecord, match=rf"{ATTACKS_FILE}: cannot be written: ") as caught:
        keep([], tmp_path / MACHINE, KNOWN)
    assert "\n" not in str(caught.value)
