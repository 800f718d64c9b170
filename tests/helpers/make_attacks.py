"""Writes an ``attacks.json`` beside synthetic runs: kinds of cheats and mistakes, and what they came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pointwise_bench.common.formats import ATTACKS_FILE, CHEATS, PLANTED_MISTAKES

MACHINE = "testbed-2-0123abcd"


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
