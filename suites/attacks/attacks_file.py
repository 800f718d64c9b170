"""``attacks.json``, beside the runs of a machine: which kinds were tried there, and which of them got a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import ATTACKS_FILE, ATTACKS_FORMAT, MOST_BESIDE_BYTES
from pointwise_bench.common.regular_files import read_regular, write_whole
from pointwise_bench.suites.attacks import course
from pointwise_bench.suites.attacks.kinds import Kind
from pointwise_bench.suites.harness.record.json_lines import recording
from pointwise_bench.suites.harness.record.text import one_line

Entry = dict[str, Any]

_COUNTS: Final = ("threads", "cells", "refused", "unavailable", "gained")
_KEYS: Final = {"group", "kind", "tries", *_COUNTS, "measured_at", "project"}


def entry_of(kind: Kind, group: str, tried: Sequence[course.Attempt], project: Mapping[str, Any]) -> Entry:
    """What one kind came to; ``project`` is the version that tried it."""
    refused = [each.ended.status for each in tried if each.ended is not None]
    return {
        "group": group,
        "kind": kind.name,
        "tries": one_line(kind.tries),
        "threads": course.THREADS,
        "cells": len(tried),
        "refused": len(refused),
        "unavailable": refused.count("unavailable"),
        "gained": sum(each.gained for each in tried),
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "project": dict(project),
    }


def keep(found: Sequence[Entry], folder: Path, known: Mapping[str, Collection[str]]) -> Path:
    """Put what was found into the file in ``folder``, a machine's, each in the place of the same kind's former entry.

    The others stay, but for kinds that are not among the ``known`` of their group any more: how many of these were
    tried is counted. ``CannotRecord`` where the system does not take it.
    """
    path = folder / ATTACKS_FILE
    again = set(map(_key, found))
    with recording(path):
        folder.mkdir(parents=True, exist_ok=True)
        others = [each for each in _earlier(path, known) if _key(each) not in again]
        content = {
            "format": ATTACKS_FORMAT,
            "machine": folder.name,
            "known": {group: len(names) for group, names in known.items()},
            "kinds": sorted([*others, *found], key=_key),
        }
        write_whole(path, json.dumps(content, indent=1) + "\n")
    return path


def _earlier(path: Path, known: Mapping[str, Collection[str]]) -> list[Entry]:
    """The entries in a file of this format and machine; any other file is put aside, and a link or a pipe replaced."""
    try:
        text = read_regular(path, MOST_BESIDE_BYTES)
    except OSError:
        return []
    try:
        content = json.loads(text)
        if (content["format"], content["machine"]) == (ATTACKS_FORMAT, path.parent.name):
            entries = filter(_is_entry, content["kinds"])
            return [each for each in entries if each["kind"] in known.get(each["group"], ())]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    path.replace(path.with_name(f"{path.name}.damaged"))
    return []


def _is_entry(value: Any) -> bool:
    """Whether it is one as this version writes it: what a reader would refuse must not stay there for ever."""
    if not isinstance(value, dict) or value.keys() != _KEYS or not isinstance(value["project"], dict):
        return False
    counts: list[int] = [value[key] for key in _COUNTS]
    texts = [value[key] for key in ("group", "kind", "tries", "measured_at")]
    if not all(type(each) is int and each >= 0 for each in counts) or not all(isinstance(each, str) for each in texts):
        return False
    threads, cells, refused, unavailable, gained = counts
    return threads == course.THREADS and cells > 0 and unavailable <= refused <= cells - gained


def _key(entry: Entry) -> tuple[str, str]:
    return entry["group"], entry["kind"]
