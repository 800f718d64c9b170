"""Who got a time on this machine without earning it, by ``pointwise-bench attack``; shown beside its runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import (
    ATTACK_GROUPS,
    ATTACKS_FILE,
    ATTACKS_FORMAT,
    CHEATS,
    MOST_ATTACKS_BYTES,
    PLANTED_MISTAKES,
)
from pointwise_bench.report.analysis.wording import moment
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.json_lines import bytes_of, json_of
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.reading.run_format import MOST_THREADS, PROJECT
from pointwise_bench.report.reading.value_readers import Defect, KeyRule, list_of, name, object_of, one_of, text, whole

MOST_KINDS: Final = 10_000
_COUNT: Final = whole(0, 2**31)

TRIED_KIND: Final = {
    "group": KeyRule(one_of(ATTACK_GROUPS)),
    "kind": KeyRule(name()),
    "tries": KeyRule(text, ""),
    "threads": KeyRule(whole(1, MOST_THREADS)),
    "cells": KeyRule(whole(1, 2**31)),
    "refused": KeyRule(_COUNT),
    "unavailable": KeyRule(_COUNT, 0),
    "gained": KeyRule(_COUNT),
    "measured_at": KeyRule(name(0), ""),
    "project": KeyRule(object_of(PROJECT), dict.fromkeys(PROJECT)),
}


def tried_kind(value: Any) -> dict[str, Any]:
    """One entry, whose counts fit each other; :class:`Defect` where it is none."""
    each: dict[str, Any] = _READ_KIND(value)
    if each["refused"] + each["gained"] > each["cells"]:
        raise Defect(f"is {each['cells']}, fewer than were refused and got a time", "cells")
    if each["unavailable"] > each["refused"]:
        raise Defect(f"is {each['unavailable']}, more than were refused", "unavailable")
    return each


_READ_KIND: Final = object_of(TRIED_KIND)
_FILE: Final = {
    "format": KeyRule(whole(1, ATTACKS_FORMAT)),
    "machine": KeyRule(name()),
    "known": KeyRule(object_of({group: KeyRule(whole(0, MOST_KINDS)) for group in ATTACK_GROUPS})),
    "kinds": KeyRule(list_of(tried_kind), []),
}

_NOUNS: Final = {CHEATS: "backends that cheat on purpose", PLANTED_MISTAKES: "mistakes"}
_REMEDY: Final = "'pointwise-bench attack' tries it"


@dataclass(frozen=True)
class TriedKind:
    """One line of a table: what a kind of cheat, or a mistake, came to."""

    name: str
    tries: str
    threads: int
    cells: int
    refused: str
    gained: int
    tried: str
    """When, and by which version of the project."""


@dataclass(frozen=True)
class TriedGroup:
    """One table: its name, its title, and the kinds, those that got a time first."""

    name: str
    title: str
    kinds: Sequence[TriedKind]


@dataclass(frozen=True)
class Attacked:
    """The shares in one sentence, and the kinds; no groups, and a sentence why, where nothing is known."""

    sentence: str
    groups: Sequence[TriedGroup]


def attacked(run: Run) -> Attacked:
    """What was tried on the run's machine."""
    path = run.folder.resolve().parent / ATTACKS_FILE
    try:
        known, kinds = _read(path, run.machine)
    except Defect as defect:
        reason = " ".join(str(defect).split())[:200]
        return Attacked(f"{ATTACKS_FILE} beside the run cannot be used ({reason}); {_REMEDY}.", ())
    if not kinds:
        return Attacked(f"Whether a backend that cheats gets a time on this machine has not been tried; {_REMEDY}.", ())
    by_group = {group: [each for each in kinds if each["group"] == group] for group in ATTACK_GROUPS}
    sentence = _sentence({group: ([*filter(_was_tried, found)], known[group]) for group, found in by_group.items()})
    others = "; some by another version of this project than measured this run"
    tables = [
        TriedGroup(group, _NOUNS[group].capitalize(), [_row(each) for each in sorted(found, key=_order)])
        for group, found in by_group.items()
        if found
    ]
    return Attacked(sentence + (others if _of_another_version(run, kinds) else ""), tables)


def _read(path: Path, machine: str) -> tuple[Mapping[str, int], list[dict[str, Any]]]:
    """How many kinds there are by group, and those that were tried; nothing where there is no file."""
    if not os.path.lexists(path):
        return {}, []
    try:
        content = object_of(_FILE)(json_of(bytes_of(path, MOST_ATTACKS_BYTES)))
    except ReportError:  # its text names a place on this machine, which is no reader's business
        raise Defect(f"it is no plain file of at most {MOST_ATTACKS_BYTES >> 20} MiB that can be read") from None
    if content["machine"] != machine:
        raise Defect(f"it is of another machine, {content['machine']}")
    seen: dict[str, set[str]] = {group: set() for group in ATTACK_GROUPS}
    for place, each in enumerate(content["kinds"]):
        if each["kind"] in seen[each["group"]]:
            raise Defect(f"is {each['kind']}, which is there twice", f"kinds[{place}].kind")
        seen[each["group"]].add(each["kind"])
    for group, names in seen.items():
        if len(names) > content["known"][group]:
            raise Defect(f"is {content['known'][group]}, and {len(names)} were tried", f"known.{group}")
    return content["known"], content["kinds"]


def _sentence(groups: Mapping[str, tuple[Sequence[Mapping[str, Any]], int]]) -> str:
    """Of how many of each group that were tried some got a time; and of how many there are, where these are more."""
    said, they = [], "they"
    for group, (found, known) in groups.items():
        gained = sum(each["gained"] > 0 for each in found)
        tried = f"{len(found)}" if len(found) == known else f"{len(found)} of the {known}"
        if not found:
            said.append(f"of the {known} {_NOUNS[group]} none was tried")
        elif they:
            they = "it" if gained == 1 else they
            said.append(f"of {tried} {_NOUNS[group]}, {gained} got a time that {they} did not earn")
            they = ""  # it need not be said twice
        else:
            said.append(f"of {tried} {_NOUNS[group]}, {gained}")
    line = "; ".join(said)
    return line[0].upper() + line[1:]


def _was_tried(each: Mapping[str, Any]) -> bool:
    """Whether it could be: who lacks a device or a library on all problems was not refused by any judge."""
    return bool(each["unavailable"] < each["cells"])


def _of_another_version(run: Run, kinds: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of them was tried by code that is known to be another than what measured the run."""
    own = run.settings["project"]
    pairs = [(own[key], each["project"][key]) for each in kinds for key in ("version", "revision")]
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def _order(each: Mapping[str, Any]) -> tuple[bool, str]:
    """Who got a time stands first."""
    return not each["gained"], each["kind"]


def _row(each: Mapping[str, Any]) -> TriedKind:
    unavailable = f" ({each['unavailable']} unavailable)" if each["unavailable"] else ""
    when = (moment(each["measured_at"]), _version(each["project"]))
    return TriedKind(
        name=each["kind"],
        tries=each["tries"],
        threads=each["threads"],
        cells=each["cells"],
        refused=f"{each['refused']}{unavailable}",
        gained=each["gained"],
        tried=", ".join(filter(None, when)),
    )


def _version(project: Mapping[str, Any]) -> str:
    revision = (project["revision"] or "")[:12]
    changed = "with changes" if project["clean"] is False else ""
    return " ".join(filter(None, (project["version"], revision, changed)))
