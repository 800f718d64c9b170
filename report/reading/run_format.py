"""What the files of a run must hold: a table for every kind of object, and how the keys of a cell must agree.

A file from a crash, a bad disk or another program can hold anything. What passes here is of its declared type and of
a size that a machine can have, so that nothing behind it needs to ask again. Keys that stand in no table are ignored:
a newer version may write more.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Final

from pointwise_bench.common.formats import CACHES, ISOLATIONS, LONGEST_CALL_S, PHASES
from pointwise_bench.common.status import STATUSES
from pointwise_bench.common.verdict_rule import PLANNED_STARTS
from pointwise_bench.report.reading.value_readers import (
    MOST,
    SHORTEST_S,
    Defect,
    KeyRule,
    counts,
    distinct,
    duration,
    durations,
    heading,
    list_of,
    mapping_of,
    name,
    number,
    object_of,
    one_of,
    or_null,
    pair,
    plain,
    problem,
    shown,
    text,
    whole,
    yes_or_no,
)

LARGEST_ERROR_RATIO: Final = 1.0
"""Measured error over the allowed bound: a result with more is wrong."""

_PER_ROUND: Final = ("device_samples_s", "process", "canary_s", "round")

_FASTEST: Final = 1e24  # FLOP/s or bytes/s
MOST_THREADS: Final = 2**16
_MOST_MULTIPLY_ADDS: Final = 2**120  # harvest takes no operation of over 2**80

_seconds = number(0, LONGEST_CALL_S, f"a number of seconds from 0 to {LONGEST_CALL_S:g}")
_percent = number(0, 1000, "a number of percent from 0 to 1000")
_rate = number(0, _FASTEST, f"a rate per second from 0 to {_FASTEST:g}")
_count = whole(1, 2**31)


def _environment(value: Any) -> dict[str, Any]:
    """Facts of any kind, which the page shows as they are, and a list of warnings."""
    if not isinstance(value, dict):
        raise Defect(f"is {shown(value)}, not an object")
    facts: dict[str, Any] = plain(value)
    facts |= object_of({"warnings": KeyRule(list_of(text), [])})(value)
    return facts


def _policy(value: Any) -> dict[str, Any]:
    """Constants by group and name; a newer version may have others, of other kinds."""
    if not isinstance(value, dict):
        raise Defect(f"is {shown(value)}, not an object")
    groups: dict[str, Any] = plain(value)
    return groups


PLACE: Final = {"group": KeyRule(name(0), ""), "name": KeyRule(name(0), ""), "count": KeyRule(_count, 1)}

_SELECTED: Final = {**PLACE, "problem": KeyRule(problem), "threads": KeyRule(whole(1, MOST_THREADS))}

CELL: Final = {
    "backend": KeyRule(name()),
    "problem": KeyRule(problem),
    "threads": KeyRule(whole(1, MOST_THREADS)),
    "status": KeyRule(one_of(STATUSES)),
    **PLACE,
    "also": KeyRule(list_of(object_of(PLACE)), ()),
    "device": KeyRule(name(), "cpu"),
    "reason": KeyRule(text, ""),
    "output": KeyRule(one_of(("fresh", "reused")), "fresh"),
    "samples_s": KeyRule(durations, ()),
    "device_samples_s": KeyRule(durations, ()),
    "canary_s": KeyRule(durations, ()),
    "process": KeyRule(counts, ()),
    "round": KeyRule(distinct(counts), ()),
    "calls": KeyRule(whole(0), None),
    # The error of a result with a NaN is infinite; not so any other quantity.
    "error_ratio": KeyRule(number(0, inf, "a number of at least 0"), None),
    "prepare_s": KeyRule(_seconds, None),
    "first_call_s": KeyRule(_seconds, None),
    "cpu_over_wall": KeyRule(number(0, MOST_THREADS, f"a number from 0 to {MOST_THREADS:,}"), None),
    "peak_rss_bytes": KeyRule(whole(0), None),
    "page_faults_per_call": KeyRule(number(0, MOST, "a finite number of at least 0"), None),
    "isolation": KeyRule(one_of(ISOLATIONS), "worker"),
    "cache": KeyRule(one_of(CACHES), "hot"),
    "arithmetic": KeyRule(name(), "own"),
}

_CEILING: Final = {
    "phase": KeyRule(one_of(PHASES), None),
    "threads": KeyRule(whole(1, MOST_THREADS)),
    "fma_peak_flops": KeyRule(mapping_of(or_null(_rate)), {}),
    "triad_bytes_per_s": KeyRule(_rate, None),
    "bandwidth": KeyRule(list_of(pair(whole(1), or_null(_rate), "a pair of bytes and bytes per second")), ()),
}

PROJECT: Final = {
    "version": KeyRule(name(), None),
    "revision": KeyRule(name(), None),
    "clean": KeyRule(yes_or_no, None),
}

_CONTROLS: Final = {
    "backend": KeyRule(name()),
    "threads": KeyRule(whole(1, MOST_THREADS)),
    "slower_by_percent": KeyRule(mapping_of(_percent)),
}

_PROPERTIES: Final = {
    "repeats": KeyRule(yes_or_no),
    "same_in_a_batch": KeyRule(yes_or_no),
    "bytes_per_call": KeyRule(or_null(whole(0)), None),
    "bytes_per_shape": KeyRule(or_null(whole(0)), None),
}

_LEFT_OUT: Final = {
    "what": KeyRule(text),
    "count": KeyRule(_count),
    "multiply_adds": KeyRule(whole(0, _MOST_MULTIPLY_ADDS)),
    "unknown": KeyRule(whole(0, 2**31), 0),
    "names": KeyRule(list_of(text), ()),
}

_MODEL: Final = {
    "title": KeyRule(heading),
    "multiply_adds": KeyRule(whole(0, _MOST_MULTIPLY_ADDS)),
    "left_out": KeyRule(list_of(object_of(_LEFT_OUT)), ()),
}

SETTINGS: Final = {
    "machine": KeyRule(name(), None),
    "started_at": KeyRule(name(0), ""),
    "finished_at": KeyRule(name(0), None),
    "policy": KeyRule(_policy, {}),
    "project": KeyRule(object_of(PROJECT), dict.fromkeys(PROJECT)),
    "selection": KeyRule(list_of(object_of(_SELECTED)), ()),
    "models": KeyRule(mapping_of(object_of(_MODEL)), {}),
    "environment": KeyRule(_environment, {}),
    "ceilings": KeyRule(list_of(object_of(_CEILING)), ()),
    "canary": KeyRule(object_of({"baseline_s": KeyRule(duration, None)}), {}),
    "ran": KeyRule(mapping_of(text), {}),
    "properties": KeyRule(mapping_of(object_of(_PROPERTIES)), {}),
    "controls": KeyRule(or_null(object_of(_CONTROLS)), None),
    "first_look": KeyRule(whole(1, 2**31), PLANNED_STARTS),
}

PASS: Final = {
    "wall_s": KeyRule(number(SHORTEST_S, 1e9, "a positive finite number of seconds"), None),
    "steal_s": KeyRule(number(0, 1e9, "a finite number of seconds of at least 0"), None),
}

_CORE_DISTANCE: Final = {
    "turns": KeyRule(whole(1)),
    "again": KeyRule(whole(0)),
    "spent_s": KeyRule(number(0, 1e9, "a finite number of seconds of at least 0")),
}

_IN_SEQUENCE: Final = {
    "group": KeyRule(name()),
    "threads": KeyRule(whole(1, MOST_THREADS)),
    "backend": KeyRule(name()),
    "alone_s": KeyRule(durations),
    "sequence_s": KeyRule(durations),
}


# --- whole objects ----------------------------------------------------------------------------------------------


def read_cell(line: Any) -> dict[str, Any]:
    """The keys of ``CELL`` from one line of cells.jsonl; :class:`Defect` at the first breach."""
    cell: dict[str, Any] = object_of(CELL)(line)
    for breach in (_status_and_times, _series_of_one_length):
        if sentence := breach(cell):
            raise Defect(sentence)
    return cell


def _status_and_times(cell: Mapping[str, Any]) -> str | None:
    """Only a valid result has times, and it has what belongs to them."""
    status, samples = cell["status"], len(cell["samples_s"])
    if status != "ok":
        return f"status is {status}, but samples_s has {_entries(samples)}: only ok has times" if samples else None
    if not samples:
        return "status is ok, but samples_s has no entry"
    if cell["calls"] == 0:
        return "status is ok, but calls is 0, not a whole number of at least 1"
    if (cell["error_ratio"] or 0) > LARGEST_ERROR_RATIO:
        return f"status is ok, but error_ratio is {cell['error_ratio']:g}: above {LARGEST_ERROR_RATIO:g} is wrong"
    return None


def _series_of_one_length(cell: Mapping[str, Any]) -> str | None:
    samples = len(cell["samples_s"])
    for key in _PER_ROUND:
        if cell[key] and len(cell[key]) != samples:
            return f"{key} has {_entries(len(cell[key]))}, but samples_s has {samples}: each has one per round"
    return None


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def read_in_sequence(value: Any) -> dict[str, Any]:
    """Passes over one network's layers, and the layers alone; :class:`Defect` at the first breach."""
    read: dict[str, Any] = object_of(_IN_SEQUENCE)(value)
    if len(read["alone_s"]) != len(read["sequence_s"]):
        raise Defect(f"has {_entries(len(read['sequence_s']))}, but alone_s has {len(read['alone_s'])}", "sequence_s")
    return read


def read_core_distance(value: Any) -> dict[str, Any]:
    """How many turns were taken again since their cores were apart; :class:`Defect` at the first breach."""
    read: dict[str, Any] = object_of(_CORE_DISTANCE)(value)
    if read["again"] > read["turns"]:
        raise Defect(f"is {read['again']:,}, but turns is {read['turns']:,}: it counts some of them", "again")
    return read


def key_of(line: Any) -> str:
    """``numpy-matmul n1c8h4w4-o8, 2 threads``, or as much of it as a line has."""
    if not isinstance(line, dict):
        return ""
    known = [_readable(line, key) for key in ("backend", "problem")]
    threads = _readable(line, "threads")
    parts = [" ".join(one for one in known if one), f"{threads} thread{'s' * (threads != '1')}" if threads else ""]
    return ", ".join(part for part in parts if part)


def _readable(line: Mapping[str, Any], key: str) -> str:
    try:
        return str(CELL[key].read(line.get(key)))
    except Defect:
        return ""
