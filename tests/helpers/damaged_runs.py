"""Damaged runs for the tests of the report: ``damage(number)`` is always the same damage for the same number."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from corruptions import (
    ANYTHING,
    DEEP,
    MUST,
    MUST_SAY,
    NO_SECONDS,
    ODD_NAMES,
    REQUIRED,
    clean_lines,
    clean_settings,
    flipped,
    places_in,
    written,
)

from pointwise_bench.common.status import NOT_OK


@dataclass(frozen=True)
class Damage:
    """Both files of a run.

    ``must_name``: lines of cells.jsonl (from 1) that can be no cell. ``must_say``: a key of run.json that is damaged.
    """

    what: str
    cells: bytes
    settings: bytes
    must_name: frozenset[int] = field(default=frozenset())
    must_say: str = ""


def damage(number: int) -> Damage:
    """The damage of that number: each kind comes up in turn, its details are drawn."""
    draw = random.Random(number)
    kind = KINDS[number % len(KINDS)]
    made = kind(draw)
    return Damage(
        f"{number}: {kind.__name__.strip('_')}: {made.what}", made.cells, made.settings, made.must_name, made.must_say
    )


def _run(what: str, lines: Sequence[bytes], must: Sequence[int] = ()) -> Damage:
    return Damage(what, b"\n".join(lines) + b"\n", written(clean_settings()), frozenset(must))


def _with_settings(what: str, settings: bytes) -> Damage:
    return Damage(what, b"\n".join(clean_lines()) + b"\n", settings)


def _one_line(draw: random.Random, change: Callable[[dict[str, Any]], str], must: bool, timed: bool = True) -> Damage:
    """A run with one line changed."""
    lines = list(clean_lines())
    at = draw.choice([index for index, line in enumerate(lines) if not timed or b'"ok"' in line])
    values = json.loads(lines[at])
    what = change(values)
    lines[at] = written(values)
    return _run(f"line {at + 1}: {what}", lines, [at + 1] if must else [])


def _short(value: object) -> str:
    return ascii(value)[:60]


# --- cells.jsonl ------------------------------------------------------------------------------------------------


def _wrong_value(draw: random.Random) -> Damage:
    key = draw.choice(sorted(MUST))
    value = draw.choice(MUST[key])

    def change(values: dict[str, Any]) -> str:
        values[key] = value
        return f"{key} = {_short(value)}"

    return _one_line(draw, change, must=True)


def _wrong_time(draw: random.Random) -> Damage:
    value = draw.choice(NO_SECONDS)

    def change(values: dict[str, Any]) -> str:
        at = draw.randrange(len(values["samples_s"]))
        values["samples_s"][at] = value
        return f"samples_s[{at}] = {_short(value)}"

    return _one_line(draw, change, must=True)


def _missing_key(draw: random.Random) -> Damage:
    key = draw.choice(sorted(json.loads(clean_lines()[0])))

    def change(values: dict[str, Any]) -> str:
        del values[key]
        return f"no {key}"

    return _one_line(draw, change, must=key in REQUIRED)


def _samples_without_ok(draw: random.Random) -> Damage:
    status = draw.choice(NOT_OK)

    def change(values: dict[str, Any]) -> str:
        values["status"] = status
        return f"samples, but {status}"

    return _one_line(draw, change, must=True)


def _other_length(draw: random.Random) -> Damage:
    key = draw.choice(("samples_s", "process", "canary_s", "round"))

    def change(values: dict[str, Any]) -> str:
        values[key] = (
            values[key][: draw.randrange(1, 9)] if draw.random() < 0.5 else [*values[key], max(values[key]) + 1]
        )
        return f"{key} of length {len(values[key])}"

    return _one_line(draw, change, must=True)


def _anything_anywhere(draw: random.Random) -> Damage:
    value = draw.choice(ANYTHING)

    def change(values: dict[str, Any]) -> str:
        holder, key = draw.choice(list(places_in(values)))
        holder[key] = value
        return f"{key} = {_short(value)}"

    return _one_line(draw, change, must=False, timed=False)


def _odd_name(draw: random.Random) -> Damage:
    name = draw.choice(ODD_NAMES)
    key = draw.choice(("backend", "group", "name", "reason", "device"))

    def change(values: dict[str, Any]) -> str:
        values[key] = name
        return f"{key} = {_short(name)}"

    return _one_line(draw, change, must=False)


def _odd_names_everywhere(draw: random.Random) -> Damage:
    lines = []
    for line in clean_lines():
        values = json.loads(line)
        values["group"], values["name"] = draw.choice(ODD_NAMES), draw.choice(ODD_NAMES)
        lines.append(json.dumps(values, ensure_ascii=draw.random() < 0.5).encode())
    return _run("groups and names", lines)


def _large_problem(draw: random.Random) -> Damage:
    problem = draw.choice(
        (f"n1c{2**40}h1w1-o1", f"n1c1h{2**20}w{2**20}-o1", f"n0c{2**40}h1w1-o1", "n1c1h1w1-o1", "n0c1h1w1-o1")
    )
    seconds = draw.choice((1e-9, 1e-3, 1e6))

    def change(values: dict[str, Any]) -> str:
        values["problem"], values["samples_s"] = problem, [seconds] * 9
        return f"{problem} in {seconds:g} s"

    return _one_line(draw, change, must=False)


def _extreme_times(draw: random.Random) -> Damage:
    lines = []
    for line in clean_lines():
        values = json.loads(line)
        values["samples_s"] = [10.0 ** draw.uniform(-9, 6) for _ in values["samples_s"]]
        lines.append(json.dumps(values).encode())
    return _run("from 1e-9 to 1e6 s", lines)


def _random_bytes(draw: random.Random) -> Damage:
    data = draw.randbytes(draw.randrange(2000)).replace(b"\n", b"?")
    lines = list(clean_lines())
    if draw.random() < 0.3:
        # A byte that no text in UTF-8 has, so that chance cannot make JSON of it.
        return _run("nothing but random bytes", [b"\xff" + data], [1])
    at = draw.randrange(len(lines) + 1)
    return _run(f"line {at + 1}: random bytes", [*lines[:at], b"\xff" + data, *lines[at:]], [at + 1])


def _bit_flips(draw: random.Random) -> Damage:
    return _run("bits", flipped(draw, b"\n".join(clean_lines())).split(b"\n"))


def _overwritten(draw: random.Random) -> Damage:
    data = bytearray(b"\n".join(clean_lines()))
    at, size = draw.randrange(len(data)), draw.randrange(1, 600)
    data[at : at + size] = draw.choice((b"\0" * size, draw.randbytes(size), b" " * size, b'"' * size, b"\n" * size))
    return _run(f"{size} bytes at {at}", bytes(data).split(b"\n"))


def _truncated(draw: random.Random) -> Damage:
    data = b"\n".join(clean_lines()) + b"\n"
    cut = draw.randrange(len(data))
    return Damage(f"at {cut}", data[:cut], written(clean_settings()))


def _lines_moved(draw: random.Random) -> Damage:
    lines = list(clean_lines())
    draw.shuffle(lines)
    lines += [*draw.choices(lines, k=draw.randrange(5)), b"", b"  ", b"\r"]
    return _run("reordered, duplicated, empty ones", lines)


def _lines_joined(draw: random.Random) -> Damage:
    lines = list(clean_lines())
    at = draw.randrange(len(lines) - 1)
    lines[at : at + 2] = [draw.choice((b"", b" ", b",", b"\r", b"\0")).join(lines[at : at + 2])]
    return _run(f"lines {at + 1} and {at + 2} joined", lines, [at + 1])


def _line_of_another_kind(draw: random.Random) -> Damage:
    line = draw.choice(
        (
            b"5",
            b"null",
            b'"ok"',
            b"[]",
            b"{}",
            b"[{}]",
            b"NaN",
            b"{",
            b"}",
            b"[" * DEEP,
            b'{"a":' * DEEP,
            b"9" * 5000,
            b"\xef\xbb\xbf{}",
        )
    )
    lines = list(clean_lines())
    at = draw.randrange(len(lines) + 1)
    return _run(f"line {at + 1}: {line[:20]!r}", [*lines[:at], line, *lines[at:]], [at + 1])


def _other_encoding(draw: random.Random) -> Damage:
    encoding = draw.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp500", "utf-7", "utf-8-sig", "latin-1"))
    lines = [json.dumps(json.loads(line) | {"name": "d\u00e9but"}, ensure_ascii=False) for line in clean_lines()]
    text = "\n".join(lines) + "\n"
    must = list(range(1, len(lines) + 1)) if encoding == "latin-1" else [1] if encoding == "utf-8-sig" else []
    return Damage(encoding, text.encode(encoding), written(clean_settings()), frozenset(must))


# --- run.json ---------------------------------------------------------------------------------------------------


def _wrong_setting(draw: random.Random) -> Damage:
    settings = clean_settings()
    key = draw.choice(sorted(MUST_SAY))
    settings[key] = draw.choice(MUST_SAY[key])
    made = _with_settings(f"{key} = {_short(settings[key])}", written(settings))
    return Damage(made.what, made.cells, made.settings, must_say=key)


def _setting_of_any_type(draw: random.Random) -> Damage:
    settings = clean_settings()
    key = draw.choice(sorted(settings))
    settings[key] = draw.choice(ANYTHING)
    return _with_settings(f"{key} = {_short(settings[key])}", written(settings))


def _setting_anywhere(draw: random.Random) -> Damage:
    settings = json.loads(json.dumps(clean_settings()))
    holder, key = draw.choice(list(places_in(settings)))
    holder[key] = draw.choice((*ANYTHING, *ODD_NAMES))
    return _with_settings(f"{key} = {_short(holder[key])}", written(settings))


def _settings_bytes(draw: random.Random) -> Damage:
    data = written(clean_settings())
    what, made = draw.choice(
        (
            ("flipped", flipped(draw, data)),
            ("cut", data[: draw.randrange(len(data))]),
            ("random", draw.randbytes(draw.randrange(2000))),
            ("utf-16", data.decode().encode("utf-16")),
            ("utf-8 with a mark", b"\xef\xbb\xbf" + data),
            ("twice", data + data),
            ("deep", b"[" * DEEP),
            (
                "another kind",
                draw.choice(
                    (b"5", b"[]", b"null", b"{}", b'{"format": true}', b'{"format": -1}', b'{"format": 1e400}')
                ),
            ),
        )
    )
    return _with_settings(what, made)


def _setting_missing(draw: random.Random) -> Damage:
    settings = clean_settings()
    key = draw.choice(sorted(settings))
    del settings[key]
    return _with_settings(f"no {key}", written(settings))


def _everything(draw: random.Random) -> Damage:
    """Both files, many places at once."""
    lines = []
    for line in clean_lines():
        values = json.loads(line)
        for _ in range(draw.randrange(3)):
            holder, key = draw.choice(list(places_in(values)))
            holder[key] = draw.choice((*ANYTHING[:16], *ODD_NAMES))
        lines.append(written(values))
    settings = json.loads(json.dumps(clean_settings()))
    holder, key = draw.choice(list(places_in(settings)))
    holder[key] = draw.choice(ANYTHING)
    return Damage("many places", b"\n".join(lines), written(settings))


KINDS: Final[tuple[Callable[[random.Random], Damage], ...]] = (
    *(_wrong_value, _wrong_value, _wrong_value, _wrong_time, _missing_key, _samples_without_ok, _other_length),
    *(_anything_anywhere, _anything_anywhere, _odd_name, _odd_names_everywhere, _large_problem, _extreme_times),
    *(_random_bytes, _bit_flips, _bit_flips, _overwritten, _truncated, _lines_moved, _lines_joined),
    *(
        _line_of_another_kind,
        _other_encoding,
        _setting_of_any_type,
        _setting_anywhere,
        _settings_bytes,
        _setting_missing,
    ),
    *(_wrong_setting, _everything),
)
