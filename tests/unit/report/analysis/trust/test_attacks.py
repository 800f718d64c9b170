"""Who got a time without earning it: what ``pointwise-bench attack`` leaves beside runs, read and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from make_attacks import DAMAGED_KINDS, tried, write_attacks
from make_run import run_of
from no_plain_files import NO_PLAIN_FILES

from pointwise_bench.common.formats import ATTACKS_FILE
from pointwise_bench.report.analysis.trust import attacks
from pointwise_bench.report.analysis.trust.attacks import Attacked, TriedKind, attacked

ALL: Final = [tried(name) for name in "abc"] + [tried(name, "planted", cells=1, refused=1) for name in "de"]


def said(folder: Path, kinds: Any, run: Any = None, **changed: Any) -> Attacked:
    """What is said of a run beside which the file has these kinds; ``run`` replaces keys of run.json."""
    found = run_of(folder, [], **(run or {}))
    write_attacks(found.folder.parent, kinds, **changed)
    return attacked(found)


def test_the_shares_are_said_of_cheats_and_of_mistakes(tmp_path: Path) -> None:
    found = said(tmp_path, [ALL[0] | {"refused": 6, "gained": 2}, *ALL[1:]])
    assert found.sentence == (
        "Of 3 backends that cheat on purpose, 1 got a time that it did not earn; of 2 mistakes, 0"
    )
    assert [(group.name, group.title) for group in found.groups] == [
        ("attacks", "Backends that cheat on purpose"),
        ("planted", "Mistakes"),
    ]


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        (
            ALL[:2],
            "Of 2 of the 3 backends that cheat on purpose, 0 got a time that they did not earn; "
            "of the 2 mistakes none was tried",
        ),
        (
            ALL[-1:],
            "Of the 3 backends that cheat on purpose none was tried; "
            "of 1 of the 2 mistakes, 0 got a time that they did not earn",
        ),
        (
            [*ALL[:2], tried("c", unavailable=9), *ALL[3:]],
            "Of 2 of the 3 backends that cheat on purpose, 0 got a time that they did not earn; of 2 mistakes, 0",
        ),
    ],
)
def test_a_part_of_the_kinds_is_not_said_to_be_all(kinds: Any, sentence: str, tmp_path: Path) -> None:
    """As an interrupted call leaves it, one of some kinds, or a machine that lacks what one of them is about."""
    assert said(tmp_path, kinds).sentence == sentence


def test_each_kind_is_a_line_and_who_got_a_time_stands_first(tmp_path: Path) -> None:
    kinds = [ALL[0], tried("b", refused=7, gained=1, unavailable=2), tried("c", refused=0, project={}, measured_at="")]
    (group,) = said(tmp_path, kinds).groups
    assert [row.name for row in group.kinds] == ["b", "a", "c"]
    assert group.kinds[0] == TriedKind(
        "b", "Does what b does.", 1, 9, "7 (2 unavailable)", 1, "2026-01-02 03:04 UTC, 1.2.3 0123abc"
    )
    assert (group.kinds[2].refused, group.kinds[2].tried) == ("0", "")


def test_code_that_differs_from_its_revision_is_named(tmp_path: Path) -> None:
    project = {"version": "1.2.3", "revision": "0123456789abcdef", "clean": False}
    ((row,),) = (group.kinds for group in said(tmp_path, [tried("a", project=project)]).groups)
    assert row.tried.endswith(", 1.2.3 0123456789ab with changes")


@pytest.mark.parametrize(
    ("project", "of_run", "other"),
    [
        ({"version": "1.2.3", "revision": "0123abc"}, {"version": "1.2.3", "revision": "0123abc"}, False),
        ({"version": "1.2.4", "revision": None}, {"version": "1.2.3", "revision": None}, True),
        ({"version": "1.2.3", "revision": "fff"}, {"version": "1.2.3", "revision": "0123abc"}, True),
        ({"version": "1.2.3"}, {"version": "1.2.3", "revision": "0123abc"}, False),
        ({"version": "1.2.3"}, None, False),
    ],
)
def test_another_version_than_the_runs_is_said(project: Any, of_run: Any, other: bool, tmp_path: Path) -> None:
    """One kind is enough; of what is not known nothing is said."""
    kinds = [tried("a", project=project), tried("b", project=of_run or {})]
    sentence = said(tmp_path, kinds, {"project": of_run or {}}).sentence
    assert ("; some by another version of this project than measured this run" in sentence) == other


@pytest.mark.parametrize("kinds", [None, []])
def test_a_machine_on_which_nothing_was_tried_says_so_and_how(kinds: Any, tmp_path: Path) -> None:
    found = attacked(run_of(tmp_path, [])) if kinds is None else said(tmp_path, kinds)
    assert found.groups == ()
    assert found.sentence.endswith("has not been tried; 'pointwise-bench attack' tries it.")


DAMAGED: Final = [
    ({"format": 2}, "format is 2, not a whole number from 1 to 1"),
    ({"format": True}, "format is True"),
    ({"machine": "other"}, "it is of another machine, other"),
    ({"known": {"attacks": 3}}, "known.planted is missing"),
    ({"known": {"attacks": -1, "planted": 2}}, "known.attacks is -1"),
    ({"known": {"attacks": 2, "planted": 2}}, "known.attacks is 2, and 3 were tried"),
    ({"kinds": {}}, "kinds is {}, not a list"),
    ({"kinds": [[]]}, "kinds[0] is [], not an object"),
    ({"kinds": [ALL[0], ALL[0]]}, "kinds[1].kind is a, which is there twice"),
    *(({"kinds": [tried("a") | changed]}, f"kinds[0].{where}") for changed, where in DAMAGED_KINDS),
]


@pytest.mark.parametrize(("changed", "named"), DAMAGED, ids=[named.partition(" ")[0] for _, named in DAMAGED])
def test_a_damaged_file_is_one_sentence(changed: Any, named: str, tmp_path: Path) -> None:
    found = said(tmp_path, **({"kinds": ALL} | changed))
    assert found.groups == ()
    assert found.sentence.startswith(f"{ATTACKS_FILE} beside the run cannot be used ({named}")
    assert found.sentence.endswith("); 'pointwise-bench attack' tries it.")
    assert "\n" not in found.sentence


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"format": NaN}', "\udcff"])
def test_what_is_no_such_file_at_all_is_one_sentence(text: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, [])
    (run.folder.parent / ATTACKS_FILE).write_text(text, encoding="utf-8", errors="surrogateescape")
    found = attacked(run)
    assert found.groups == ()
    assert found.sentence.startswith(f"{ATTACKS_FILE} beside the run cannot be used (")
    assert "\n" not in found.sentence


@pytest.mark.parametrize("kind", NO_PLAIN_FILES)
def test_nothing_is_followed_or_waited_for_in_the_files_place(kind: str, tmp_path: Path) -> None:
    """And no place of the reader's machine is named."""
    run = run_of(tmp_path, [])
    NO_PLAIN_FILES[kind](run.folder.parent / ATTACKS_FILE)
    found = attacked(run)
    assert "cannot be used (it is no plain file of at most" in found.sentence
    assert str(tmp_path) not in found.sentence


def test_a_file_larger_than_any_real_one_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(tmp_path, [])
    path = write_attacks(run.folder.parent, ALL)
    monkeypatch.setattr(attacks, "MOST_ATTACKS_BYTES", path.stat().st_size)
    assert attacked(run).groups
    path.write_text(json.dumps(json.loads(path.read_text())) + " ")
    assert attacked(run).groups == ()
