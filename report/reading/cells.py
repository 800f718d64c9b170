"""The cells of a run, read from cells.jsonl; a line that holds none is named and left out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.backends.problem import Problem
from pointwise_bench.common.at_once import at_once
from pointwise_bench.common.formats import IN_PROCESS
from pointwise_bench.common.status import OK
from pointwise_bench.report.reading.json_lines import json_of_line, lines_of
from pointwise_bench.report.reading.run_format import PLACE, key_of, read_cell
from pointwise_bench.report.reading.value_readers import Defect

OWN_ARITHMETIC: Final = "own"

_WORTH_SHARING: Final = 8_000_000
"""Bytes of lines from which on several processes read them: those of fewer are read in the time that forks take."""
_PARTS: Final = 32
"""Of the lines, read one by one by whoever is free."""

Seconds = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class ReadPlace:
    """Where a problem appears: shape group, name of the layer in it, and how often the group has it."""

    group: str
    name: str
    count: int


@dataclass(frozen=True)
class ReadCell:
    """One backend on one problem with one thread budget. Times in seconds; NaN where nothing was measured.

    ``round`` and ``process`` go with ``samples``, entry by entry: the same number of ``round`` in two cells of one
    problem and thread budget is the same stretch of time, and ``process`` counts the starts of the worker.
    """

    backend: str
    problem: Problem
    threads: int
    places: tuple[ReadPlace, ...]
    device: str
    status: str
    reason: str
    output: str
    samples: Seconds
    device_samples: Seconds
    canary: Seconds
    round: Numbers
    process: Numbers
    calls: int | None
    error_ratio: float
    prepare_s: float
    first_call_s: float
    cpu_over_wall: float
    peak_rss_bytes: float
    page_faults_per_call: float
    isolation: str
    cache: str
    arithmetic: str

    @property
    def timed(self) -> bool:
        """Whether there is a time to show."""
        return self.status == OK and self.samples.size > 0

    @property
    def alone(self) -> bool:
        """Whether it ran in a worker of its own. In-process, other backends' threads disturbed its times."""
        return self.isolation != IN_PROCESS

    @property
    def comparable_to_others(self) -> bool:
        """Whether its time may be set against another backend's.

        Not in-process; nor in a reduced precision, which is another question than the problem's.
        """
        return self.timed and self.alone and self.arithmetic == OWN_ARITHMETIC


def read_cells(path: Path) -> tuple[tuple[ReadCell, ...], list[str]]:
    """The cells, and a sentence for each line that holds none: torn by a crash, damaged, or of a newer version."""
    lines = list(lines_of(path))
    each = -(-len(lines) // _PARTS) or 1
    parts = [lines[start : start + each] for start in range(0, len(lines), each)]
    worth_it = sum(len(line) for _, line in lines) >= _WORTH_SHARING
    read = at_once([partial(_read, part) for part in parts], worth_it=worth_it)
    # A resumed run may measure a cell again; the later line is the one its worker finished.
    found = {(cell.backend, cell.problem.id, cell.threads): cell for cells, _ in read for cell in cells}
    return tuple(found.values()), [defect for _, defects in read for defect in defects]


def _read(lines: Iterable[tuple[int, bytes]]) -> tuple[list[ReadCell], list[str]]:
    """The cells of numbered lines in their order, and the sentences on the others."""
    found, defects = [], []
    for number, line in lines:
        values: Any = None
        try:
            values = json_of_line(line)
            found.append(_cell(read_cell(values)))
        except Defect as defect:
            key = key_of(values)
            defects.append(f"line {number}{f' ({key})' if key else ''}: {defect}")
    return found, defects


def _cell(line: Mapping[str, Any]) -> ReadCell:
    """A cell from the keys of a line, after ``run_format.read_cell``."""
    samples = _seconds(line["samples_s"])
    return ReadCell(
        backend=line["backend"],
        problem=line["problem"],
        threads=line["threads"],
        # Once each: a total counts every place.
        places=tuple(dict.fromkeys(ReadPlace(**place) for place in _places(line))),
        device=line["device"],
        status=line["status"],
        reason=line["reason"],
        output=line["output"],
        samples=samples,
        device_samples=_seconds(line["device_samples_s"]),
        canary=_shared(tuple(line["canary_s"]), np.float64),
        round=_shared(tuple(line["round"] or range(samples.size)), np.int64),
        process=_shared(tuple(line["process"] or [0] * samples.size), np.int64),
        calls=line["calls"],
        error_ratio=_number(line["error_ratio"]),
        prepare_s=_number(line["prepare_s"]),
        first_call_s=_number(line["first_call_s"]),
        cpu_over_wall=_number(line["cpu_over_wall"]),
        peak_rss_bytes=_number(line["peak_rss_bytes"]),
        page_faults_per_call=_number(line["page_faults_per_call"]),
        isolation=line["isolation"],
        cache=line["cache"],
        arithmetic=line["arithmetic"],
    )


def _places(line: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return ({key: line[key] for key in PLACE}, *line["also"])


def _seconds(values: Sequence[float]) -> Seconds:
    return np.asarray(values, dtype=np.float64) if values else _NO_SECONDS


@lru_cache(maxsize=256)
def _shared(values: tuple[float, ...], kind: type[np.generic]) -> NDArray[Any]:
    """One array for all cells that say the same, as those of a problem do of their rounds: kept and sent once."""
    return _only_read(np.asarray(values, dtype=kind))


def _only_read(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


_NO_SECONDS: Final = _only_read(np.empty(0))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
