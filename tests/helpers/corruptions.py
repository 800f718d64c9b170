"""What the report must refuse or survive: values that are none, by key, and a clean run to put them into."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from make_run import CEILINGS, cell

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"
NAN, INFINITY = float("nan"), float("inf")
DEEP: Final = 100_000


class Raw(str):
    """JSON text to be written as it stands where Python's writer would have to know the value."""

    __slots__ = ()


# Bad for every key of which the text below says that it must be named: no type that any of them takes.
NO_SECONDS: Final[tuple[Any, ...]] = (
    0,
    -1,
    -1e-9,
    NAN,
    INFINITY,
    -INFINITY,
    1e308,
    2**70,
    10**400,
    1e-300,
    1e7,
    True,
    "abc",
    "1e-3",
    [],
    [[1.0]],
    {},
)
NO_TIMES: Final[tuple[Any, ...]] = (
    5,
    "abc",
    {},
    True,
    [[]],
    [[[1e-3]]],
    [None],
    [1e-3, "x"],
    [1e-3, NAN],
    [0.0],
    [-1.0],
    [],
    None,
)
NO_THREADS: Final[tuple[Any, ...]] = (0, -1, True, False, 1.5, 1.0, "1", 2**70, -(2**70), 1e400, NAN, None, [], [1], {})
NO_NAME: Final[tuple[Any, ...]] = (
    None,
    5,
    True,
    1.5,
    [],
    ["a"],
    {},
    "",
    "a\nb",
    "a\0b",
    "\ud800",
    "a\x1b[31mb",
    "x" * 2**20,
)
NO_STATUS: Final[tuple[Any, ...]] = ("", "OK", "fine", "ok ", None, 0, True, [], {}, "\ud800")
NO_PROBLEM: Final[tuple[Any, ...]] = (
    *("", "n1", "n1c64h28w28", "n-1c64h28w28-o128", "n1c64h28w28-o128-s1", "n1c064h28w28-o128", "../../x", None, 5, {}),
    *("n1c0h1w1-o1", "n1c3h1w1-o2-g2", f"n1c{2**50}h1w1-o1", f"n1c{2**40}h{2**40}w1-o1", f"n0c1h{10**90}w1-o1"),
    *("n1c" + "9" * 5000 + "h1w1-o1", "n\uff11c64h28w28-o128", f"n1c1h1w1-o1-s{10**60}", "x" * 2**20, "n1c1h1w1-o1\n"),
)
NO_COUNTS: Final[tuple[Any, ...]] = (
    5,
    "x",
    {},
    [0, 0],
    ["a"] * 9,
    [-1] * 9,
    [1.5] * 9,
    [True] * 9,
    [2**70] * 9,
    [[]] * 9,
)
MUST: Final[dict[str, tuple[Any, ...]]] = {
    "backend": NO_NAME,
    "problem": NO_PROBLEM,
    "threads": NO_THREADS,
    "status": (*NO_STATUS, "crashed", "failed"),
    "samples_s": NO_TIMES,
    "process": NO_COUNTS,
    "round": (*NO_COUNTS, [0] * 9, [0, 1, 2, 3, 4, 5, 6, 7, 7]),
    "canary_s": (5, "x", {}, [1e-3], [0.0] * 9, [NAN] * 9, ["x"] * 9, [1e-3] * 8, [1e-3] * 10),
    "device_samples_s": ([1e-3], "x", {"a": 1}, [-1.0] * 9, [1e400] * 9),
    "calls": (0, -1, 1.5, True, "3", [], 2**70, NAN),
    "page_faults_per_call": (-1, NAN, INFINITY, "many", True, [], 1e308),
    "cache": ("warm", "", 5, True, []),
    "count": (0, -1, 1.5, "2", True, 2**70, []),
    "also": (5, "x", {"group": "a"}, [5], [None], [{"group": 5}], [{"name": "a\nb"}], [{"count": 0}], [[[]]]),
    "group": (5, True, [], {}, "a\nb", "\udfff", "x" * 300),
    "name": (5, True, [], {}, "a\rb", "\0", "x" * 300),
    "error_ratio": (-1, NAN, "small", True, [], 7.5, INFINITY),
    "prepare_s": (-1, NAN, INFINITY, "long", True, 1e308),
    "first_call_s": (-1, NAN, "long", [], 2**70),
    "cpu_over_wall": (-1, NAN, INFINITY, "all", []),
    "peak_rss_bytes": (-1, 1.5, NAN, "much", True, 2**70),
    "isolation": ("alone", "", 5, []),
    "arithmetic": ("", 5, [], "a\nb"),
    "output": ("old", 5, True, {}),
    "device": (5, "", [], "a\nb"),
    "reason": (5, [], {}, True),
}
REQUIRED: Final = ("backend", "problem", "threads", "status", "samples_s")

NO_RATES: Final[tuple[Any, ...]] = (-1, NAN, INFINITY, 1e300, "x", [], True)
NO_LADDERS: Final[tuple[Any, ...]] = (5, "x", [5], [[1]], [[0, 1.0]], [[-1, 1.0]], [["x", 1]], [[1, NAN]])
NO_BANDWIDTHS: Final[tuple[Any, ...]] = (-1, NAN, 1e400, "x", [], {})

# The same for run.json.
MUST_SAY: Final[dict[str, tuple[Any, ...]]] = {
    "format": (None, True, 0, -1, 1.5, "1", [], {}, 2**70),
    "machine": (5, True, [], {}, "", "a\nb", "\ud800"),
    "started_at": (5, [], "a\0b", "x" * 300),
    "policy": (5, "x", [], True, {"a": Raw("[" * 200 + "]" * 200)}),
    "project": (5, "x", [], {"version": 5}, {"version": "a\nb"}, {"revision": []}, {"clean": 1}, {"clean": "yes"}),
    "environment": (5, "x", [], True, {"warnings": "x"}, {"warnings": [5]}, {"a": Raw("[" * 200 + "]" * 200)}),
    "canary": (5, "x", [], {"baseline_s": "x"}, {"baseline_s": 0}, {"baseline_s": NAN}, {"baseline_s": -1}),
    "ran": (5, "x", [], {"a, 1 threads": 5}, {"": "x"}),
    "properties": (5, "x", [], {"a": 5}, {"a": {}}, {"a": {"repeats": 1}}),
    "passes": (5, "x", {}, [5], [{"wall_s": 0}], [{"steal_s": -1}], [{"steal_s": NAN}], [{"wall_s": "x"}], [[]]),
    "core_distance": (
        *(5, "x", [], True, {}, {"turns": 1}, {"turns": 0, "again": 0, "spent_s": 0.0}),
        *(
            {"turns": 5, "again": 2, "spent_s": 0.1} | {key: one}
            for key in ("turns", "again", "spent_s")
            for one in NO_RATES
        ),
        {"turns": 5, "again": 6, "spent_s": 0.1},
    ),
    "ceilings": (
        *(5, "x", {}, [5], [{}], [{"threads": 0}], [{"threads": 1, "fma_peak_flops": 5}], [{"threads": True}]),
        *([{"threads": 1, "fma_peak_flops": {"float32": one}}] for one in NO_RATES),
        *([{"threads": 1, "bandwidth": one}] for one in NO_LADDERS),
        *([{"threads": 1, "triad_bytes_per_s": one}] for one in NO_BANDWIDTHS),
    ),
}

# Odd, but a name is a name.
ODD_NAMES: Final[tuple[Any, ...]] = (
    *(
        "../../x",
        "/etc/passwd",
        "..",
        ".",
        "a/b\\c",
        "<script>alert(1)</script>",
        '"><b>',
        "a|b`c*",
        "$x^$",
        "{{ 7*7 }}",
    ),
    *(
        "\u65e5\u672c",
        "\u202eabc",
        "x" * 200,
        "sweep-../../x",
        "sweep-" + "y" * 190,
        "-->",
        "<!-- report:end -->",
        "&amp;",
        "CON",
    ),
)
# Anything, for keys of which nothing is promised but that the report survives.
ANYTHING: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 2**70, 1e308, 1e400, NAN, -INFINITY, "", "x", "\ud800", "a\nb\0c", "x" * 2**20),
    *([], {}, [[]], [[[[1]]]], {"a": {"b": [None]}}, [{}], ["x", 5, None], Raw("[" * 200 + "]" * 200)),
    *(Raw("[" * DEEP + "]" * DEEP), Raw('{"a":' * 500 + "1" + "}" * 500), Raw("9" * 5000), Raw("1e400"), Raw("-0")),
)


@cache
def clean_lines() -> tuple[bytes, ...]:
    """A small run with some of everything: a network, two sweeps, failures, a device with its own clock."""
    times = [1e-3 * (1 + 0.01 * index) for index in range(9)]
    many = {"round": list(range(9)), "page_faults_per_call": 0.5, "cache": "hot", "count": 2}
    lines = [
        cell(
            name,
            problem,
            [one * factor for one in times],
            also=[{"group": "sweep-image", "name": "i", "count": 1}],
            **many,
        )
        for problem in (FIRST, SECOND)
        for name, factor in (("a-backend", 1.0), ("b-backend", 1.3), ("naive", 40.0))
    ]
    lines += [cell(name, "n2c64h28w28-o128", times, group="sweep-batch", **many) for name in ("a-backend", "b-backend")]
    lines += [cell("a-backend", f"{FIRST}-nhwc", times, group="sweep-layout", name="nhwc", **many)]
    lines += [cell("c-backend", FIRST, status="wrong", reason="wrong <here>", error_ratio=INFINITY, calls=0)]
    lines += [cell("d-backend", FIRST, times, device="cuda", device_samples_s=times, **many)]
    return tuple(json.dumps(line).encode() for line in lines)


def clean_settings() -> dict[str, Any]:
    """The run.json beside :func:`clean_lines`."""
    return {
        "format": 1,
        "machine": "testbed-2-0123abcd",
        "started_at": "2026-01-02T03:04:05Z",
        "finished_at": "2026-01-02T03:14:05Z",
        "options": {"seed": 1, "backends": ["a-backend"]},
        "policy": {"rounds": {"turn_s": 0.004}},
        "project": {"version": "0.1.0", "revision": "0123abcd" * 5, "clean": True},
        "selection": [{"group": "tinynet", "name": "first", "count": 1, "problem": "n1c8h4w4-o8", "threads": 1}],
        "environment": {"processor": "testbed", "packages": {"numpy": "2.0"}, "load": [0.1], "warnings": ["warm"]},
        "ceilings": [*CEILINGS, CEILINGS[0] | {"phase": "during"}],
        "canary": {"description": "a loop", "unit": "s", "baseline_s": 0.001},
        "passes": [{"wall_s": 100.0, "steal_s": 0.5}, {"wall_s": 90.0, "steal_s": 0.25}],
        "core_distance": {"hop_s": 4e-8, "turns": 900, "again": 3, "spent_s": 0.25},
        "in_sequence": [
            {
                "group": "tinynet",
                "threads": 1,
                "backend": "a-backend",
                "alone_s": [1e-3] * 9,
                "sequence_s": [1.5e-3] * 9,
            }
        ],
        "totals": {"wall_s": 200.0, "cells": {"ok": 10}},
    }


def written(value: Any) -> bytes:
    """``value`` as JSON; each :class:`Raw` in it as it stands."""
    raws: list[str] = []

    def marked(one: Any) -> Any:
        if isinstance(one, Raw):
            raws.append(str(one))
            return f"@raw{len(raws) - 1}@"
        if isinstance(one, dict):
            return {key: marked(entry) for key, entry in one.items()}
        return [marked(entry) for entry in one] if isinstance(one, list) else one

    text = json.dumps(marked(value))
    for index, raw in enumerate(raws):
        text = text.replace(f'"@raw{index}@"', raw)
    return text.encode()


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON value, at any depth."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places_in(value[key])


def flipped(draw: random.Random, data: bytes) -> bytes:
    array = bytearray(data)
    for _ in range(draw.randrange(1, 30)):
        array[draw.randrange(len(array))] ^= 1 << draw.randrange(8)
    return bytes(array)
