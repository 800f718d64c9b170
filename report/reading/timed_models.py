"""What was measured of whole models on a machine: ``models.json``, which ``pointwise-bench optimize`` leaves there.

It lies beside the runs of the machine. What cannot be used is named and left out; nothing is computed here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.formats import (
    EAGER,
    MODEL_WAYS,
    MODELS_FILE,
    MODELS_FORMAT,
    MOST_BESIDE_BYTES,
    OPTIMISED,
)
from pointwise_bench.common.status import OK, STATUSES
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.json_lines import bytes_of, json_of
from pointwise_bench.report.reading.run_format import MOST_THREADS
from pointwise_bench.report.reading.value_readers import (
    Defect,
    KeyRule,
    counts,
    durations,
    list_of,
    mapping_of,
    name,
    number,
    object_of,
    one_of,
    or_null,
    text,
    whole,
    yes_or_no,
)

MOST_MODELS: Final = 1000

_WAY: Final = {
    "status": KeyRule(one_of(STATUSES)),
    "reason": KeyRule(text, ""),
    "samples_s": KeyRule(durations, ()),
    "differs": KeyRule(or_null(number(0, 1e300, "a number of at least 0")), None),
}
_LAYER: Final = {
    "name": KeyRule(name()),
    "ways": KeyRule(list_of(name(0))),
    "why": KeyRule(text, ""),
    "with": KeyRule(list_of(name()), ()),
}
TIMED_MODEL: Final = {
    "model": KeyRule(name()),
    "input": KeyRule(list_of(whole(1, 2**40))),
    "threads": KeyRule(whole(1, MOST_THREADS)),
    "measured_at": KeyRule(name(0), ""),
    "project": KeyRule(mapping_of(or_null(lambda value: value)), {}),
    "packages": KeyRule(mapping_of(name(0)), {}),
    "used": KeyRule(list_of(yes_or_no)),
    "why": KeyRule(list_of(text), ()),
    "start": KeyRule(counts),
    "ways": KeyRule(mapping_of(object_of(_WAY))),
    "layers": KeyRule(list_of(object_of(_LAYER)), ()),
}


@dataclass(frozen=True)
class TimedWay:
    """One way to compute the model; ``samples`` are seconds per call, one for each round, none where it has no time."""

    status: str
    reason: str
    samples: NDArray[np.float64]
    differs: float | None
    """Its results from the model's own at most, over the largest of these."""


@dataclass(frozen=True)
class ComputedLayer:
    """A layer of the model: who computed it in each start, why, and what it took in of what follows it."""

    name: str
    ways: tuple[str, ...]
    why: str
    taken_in: tuple[str, ...]


@dataclass(frozen=True)
class TimedModel:
    """A model with one thread budget; ``used`` says for each start whether it was computed in other ways."""

    model: str
    input: tuple[int, ...]
    threads: int
    measured_at: str
    packages: Mapping[str, str]
    used: tuple[bool, ...]
    why: tuple[str, ...]
    start: NDArray[np.int64]
    ways: Mapping[str, TimedWay]
    layers: tuple[ComputedLayer, ...]


def read_timed_models(folder: Path, machine: str) -> tuple[tuple[TimedModel, ...], tuple[str, ...]]:
    """Those of ``machine`` in ``folder``, and a sentence for each that was left out."""
    path = folder / MODELS_FILE
    if not os.path.lexists(path):
        return (), ()
    try:
        content = json_of(bytes_of(path, MOST_BESIDE_BYTES))
        head = {"format": KeyRule(whole(1, MODELS_FORMAT)), "machine": KeyRule(name())}
        of = object_of(head | {"models": KeyRule(list_of(lambda value: value))})(content)
    except ReportError as error:
        return (), (f"{MODELS_FILE} beside the run: {error.reason}; it is left out",)
    except Defect as defect:
        return (), (f"{MODELS_FILE} beside the run: {defect}; it is left out",)
    if of["machine"] != machine:
        return (), (f"{MODELS_FILE} beside the run is of another machine, {of['machine']}; it is left out",)
    return _models(of["models"])


def _models(values: list[Any]) -> tuple[tuple[TimedModel, ...], tuple[str, ...]]:
    found: dict[tuple[str, tuple[int, ...], int], TimedModel] = {}
    defects = []
    for place, value in enumerate(values[:MOST_MODELS]):
        try:
            one = _model(object_of(TIMED_MODEL)(value))
        except Defect as defect:
            defects.append(f"{MODELS_FILE} beside the run: {defect.under(f'models[{place}]')}; this model is left out")
            continue
        found[one.model, one.input, one.threads] = one
    if len(values) > MOST_MODELS:
        behind = len(values) - MOST_MODELS
        defects.append(f"{MODELS_FILE} beside the run: {behind:,} models behind the first {MOST_MODELS} are left out")
    return tuple(found[key] for key in sorted(found)), tuple(defects)


def _model(values: Mapping[str, Any]) -> TimedModel:
    rounds, starts = len(values["start"]), len(values["used"])
    if not starts:
        raise Defect("has no start", "used")
    if values["start"] and max(values["start"]) >= starts:
        raise Defect(f"names start {max(values['start'])}, and used has {starts}", "start")
    ways = {way: _way(way, given, rounds) for way, given in values["ways"].items() if way in MODEL_WAYS}
    for way in (EAGER, OPTIMISED):
        if way not in ways:
            raise Defect(f"has no {way}", "ways")
    return TimedModel(
        model=values["model"],
        input=tuple(values["input"]),
        threads=values["threads"],
        measured_at=values["measured_at"],
        packages=values["packages"],
        used=tuple(values["used"]),
        why=tuple(values["why"]),
        start=np.asarray(values["start"], dtype=np.int64),
        ways=ways,
        layers=tuple(
            ComputedLayer(one["name"], tuple(one["ways"]), one["why"], tuple(one["with"])) for one in values["layers"]
        ),
    )


def _way(way: str, given: Mapping[str, Any], rounds: int) -> TimedWay:
    samples = given["samples_s"]
    if (given["status"] == OK) != (len(samples) > 0) or len(samples) not in (0, rounds):
        raise Defect(f"has {len(samples)} times, is {given['status']}, and there are {rounds} rounds", f"ways.{way}")
    return TimedWay(given["status"], given["reason"], np.asarray(samples, dtype=np.float64), given["differs"])
