"""The file of wisdom: written whole or not at all, and read as if a stranger had made it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pointwise_bench.backends.backend import fault_of_words
from pointwise_bench.common.formats import WISDOM_FORMAT
from pointwise_bench.common.regular_files import NotRegular, open_regular
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.json_lines import json_of
from pointwise_bench.report.reading.run_format import MOST_THREADS
from pointwise_bench.report.reading.value_readers import (
    Defect,
    KeyRule,
    duration,
    list_of,
    mapping_of,
    name,
    number,
    object_of,
    one_of,
    problem,
    shown,
    visible,
    whole,
)
from pointwise_bench.wisdom.entries import LARGEST_RATIO, LEAST_RATIO, WHYS, Rival, Wisdom, WisdomEntry
from pointwise_bench.wisdom.refusal import WisdomRefused

LARGEST_BYTES: Final = 2**24
"""A file of 131 shapes and 16 backends has a third of a megabyte; whatever is fifty times as large is none of ours."""

_VERDICTS: Final = ("faster", "slower", "same", "undecided")
_ratio = number(LEAST_RATIO, LARGEST_RATIO, f"a ratio from {LEAST_RATIO:g} to {LARGEST_RATIO:g}")


def _backend(value: Any) -> str:
    """A name that a backend could have: it is looked up, and stands in messages."""
    if fault_of_words("the entry", value, "cpu", "fresh", "own"):
        raise Defect(f"is {shown(value)}, not the name of a backend")
    return str(value)


_RIVAL: Final = {
    "backend": KeyRule(_backend),
    "ratio": KeyRule(_ratio),
    "low": KeyRule(_ratio),
    "high": KeyRule(_ratio),
    "verdict": KeyRule(one_of(_VERDICTS)),
    "rounds": KeyRule(whole(0, 2**31)),
    "starts": KeyRule(whole(0, 2**31)),
}
_ENTRY: Final = {
    "problem": KeyRule(problem),
    "threads": KeyRule(whole(1, MOST_THREADS)),
    "run": KeyRule(name()),
    "backend": KeyRule(_backend),
    "why": KeyRule(one_of(tuple(WHYS))),
    "seconds": KeyRule(duration),
    "rivals": KeyRule(list_of(object_of(_RIVAL))),
}
_WISDOM: Final = {
    "machine": KeyRule(name()),
    "packages": KeyRule(mapping_of(name())),
    "entries": KeyRule(list_of(object_of(_ENTRY))),
}


def read_wisdom(path: Path) -> Wisdom:
    """The wisdom in ``path``; :class:`WisdomRefused` with one line where it holds none that can be used."""
    try:
        values = json_of(_bytes_of(path))
        if not isinstance(values, dict):
            raise Defect(f"is {shown(values)}, not an object")
        if values.get("format") != WISDOM_FORMAT or isinstance(values.get("format"), bool):
            raise Defect(f"is {shown(values.get('format'))}; {WISDOM_FORMAT} is what is known here", "format")
        return _wisdom(object_of(_WISDOM)(values), str(path))
    except Defect as defect:
        raise WisdomRefused(f"{path}: {visible(str(defect))}; make it again with 'pointwise-bench recommend'") from None


def _wisdom(values: Mapping[str, Any], source: str) -> Wisdom:
    entries = []
    for place, each in enumerate(values["entries"]):
        rivals = tuple(Rival(**rival) for rival in each["rivals"])
        names = [each["backend"], *(rival.backend for rival in rivals)]
        if len(set(names)) < len(names):
            raise Defect("has a backend twice", f"entries[{place}]")
        if any(not rival.low <= rival.ratio <= rival.high for rival in rivals):
            raise Defect("has a ratio outside its interval", f"entries[{place}]")
        entries.append(WisdomEntry(**{**each, "rivals": rivals}))
    keys = [(entry.problem, entry.threads) for entry in entries]
    if len(set(keys)) < len(keys):
        raise Defect("have a problem twice under one thread budget", "entries")
    return Wisdom(values["machine"], values["packages"], tuple(entries), source)


def _bytes_of(path: Path) -> bytes:
    """No more than a file of wisdom can have; a pipe is not waited for, and no link followed."""
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except NotRegular:
        raise WisdomRefused(f"{path}: is no plain file; name another") from None
    except (OSError, ValueError) as error:
        why = "it is a link" if _is_link(path) else getattr(error, "strerror", None) or visible(str(error))
        raise WisdomRefused(f"{path}: cannot be read ({why})") from None
    if len(data) > LARGEST_BYTES:
        raise WisdomRefused(f"{path}: has more than {LARGEST_BYTES:,} bytes, which no file of wisdom has")
    return data


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False


def write_wisdom(wisdom: Wisdom, path: Path, **also: Any) -> None:
    """Put it in the place of ``path`` at once: who plans meanwhile reads the old file or the new one.

    ``also`` are keys for a reader of the file, which no plan needs.
    """
    entries = [_as_written(entry) for entry in wisdom.entries]
    values = {"format": WISDOM_FORMAT, "machine": wisdom.machine, "packages": dict(wisdom.packages), **also}
    # A line for each entry: the file is looked at, and compared with the one before.
    head = json.dumps(values, indent=1)[:-2]
    body = ",\n  ".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    text = f'{head},\n "entries": [\n  {body}\n ]\n}}\n'
    try:
        _replace(path, text)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written ({error.strerror}); name another place with --out") from None


def _as_written(entry: WisdomEntry) -> dict[str, Any]:
    return vars(entry) | {
        "problem": entry.problem.id,
        "seconds": float(f"{entry.seconds:.4g}"),
        "rivals": [vars(rival) for rival in entry.rivals],
    }


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
