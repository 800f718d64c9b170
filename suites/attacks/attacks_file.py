"""``attacks.json``, beside the runs of a machine: which kinds were tried there, and which of them got a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pointwise_bench.common.formats import ATTACKS_FILE, ATTACKS_FORMAT, MOST_ATTACKS_BYTES
from pointwise_bench.common.regular_files import read_earlier, write_whole
from pointwise_bench.suites.attacks import course
from pointwise_bench.suites.attacks.kinds import Kind
from pointwise_bench.suites.harness.record.json_lines import recording
from pointwise_bench.suites.harness.record.text import one_line

Entry = dict[str, Any]


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
    with recording(path):
        folder.mkdir(parents=True, exist_ok=True)
        kinds = {_key(each): each for each in [*_earlier(path, known), *found]}
        content = {
            "format": ATTACKS_FORMAT,
            "machine": folder.name,
            "known": {group: len(names) for group, names in known.items()},
            "kinds": [kinds[key] for key in sorted(kinds)],
        }
        write_whole(path, json.dumps(content, indent=1) + "\n")
    return path


def _earlier(path: Path, known: Mapping[str, Collection[str]]) -> list[Entry]:
    """The entries in a file of this format and machine."""

    def read(content: Any) -> list[Entry]:
        if (content["format"], content["machine"]) != (ATTACKS_FORMAT, path.parent.name):
            raise ValueError("of another format or machine")
        entries = filter(None, map(_entry, content["kinds"]))
        return [each for each in entries if each["kind"] in known.get(each["group"], ())]

    return read_earlier(path, MOST_ATTACKS_BYTES, read)


def _entry(value: Any) -> Entry | None:
    """It as a report reads it, or None where that would refuse it, and with it the whole file for ever.

    Asked is the report's own rule: a second one here had let pass what that refuses.
    """
    from pointwise_bench.report.analysis.trust.attacks import TRIED_KIND, tried_kind
    from pointwise_bench.report.reading.value_readers import Defect

    if not isinstance(value, dict) or value.keys() != TRIED_KIND.keys() or value["threads"] != course.THREADS:
        return None
    try:
        return tried_kind(value)
    except Defect:
        return None


def _key(entry: Entry) -> tuple[str, str]:
    return entry["group"], entry["kind"]
