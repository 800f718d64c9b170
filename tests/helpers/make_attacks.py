"""Writes an ``attacks.json`` beside synthetic runs: kinds of cheats and mistakes, and what they came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pointwise_bench.common.formats import ATTACKS_FILE, CHEATS, PLANTED_MISTAKES

MACHINE = "testbed-2-0123abcd"

DAMAGED_KINDS: Final[list[tuple[dict[str, Any], str]]] = [
    ({"group": "others"}, "group is 'others', not one of attacks, planted"),
    ({"kind": ""}, "kind is ''"),
    ({"kind": "a\nb"}, "kind is 'a\\nb', not a name of printable characters"),
    ({"tries": 3}, "tries is 3, not a string"),
    ({"threads": 0}, "threads is 0"),
    ({"cells": 0}, "cells is 0"),
    ({"cells": 9.0}, "cells is 9.0"),
    ({"cells": 2**80}, "cells is 1208925819614629174706176"),
    ({"gained": True}, "gained is True"),
    ({"gained": 1}, "cells is 9, fewer than were refused and got a time"),
    ({"unavailable": 10}, "unavailable is 10, more than were refused"),
    ({"project": {"version": 3}}, "project.version is 3, not a string"),
    ({"measured_at": "x" * 201}, "measured_at is"),
]
"""What to change of a kind that a report refuses then, and what it says."""


def tried(kind: str, group: str = CHEATS, **changed: Any) -> dict[str, Any]:
    """A kind that was refused on all of nine problems, by the version that measures the runs of ``make_run``."""
    return {
        "group": group,
        "kind": kind,
        "tries": f"Does what {kind} does.",
        "threads": 1,
        "cells": 9,
        "refused": 9,
        "unavailable": 0,
        "gained": 0,
        "measured_at": "2026-01-02T03:04:05Z",
        "project": {"version": "1.2.3", "revision": "0123abc", "clean": True},
    } | changed


def write_attacks(machine_folder: Path, kinds: Any, **changed: Any) -> Path:
    """The file, as ``pointwise-bench attack`` leaves it, of a project that knows three cheats and two mistakes."""
    machine_folder.mkdir(parents=True, exist_ok=True)
    path = machine_folder / ATTACKS_FILE
    known = {CHEATS: 3, PLANTED_MISTAKES: 2}
    content = {"format": 1, "machine": MACHINE, "known": known, "kinds": kinds} | changed
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
