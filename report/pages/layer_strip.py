"""The layers of a network side by side, each as wide as its share of the time and in the colour of its winner."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from pointwise_bench.report.analysis.groups import GroupRow, ReportGroup
from pointwise_bench.report.analysis.series import Columns, records
from pointwise_bench.report.analysis.wording import duration
from pointwise_bench.report.plots.style import Look

State = Literal["settled", "tied", "unclear", "missing"]

MOST_SEGMENTS: Final = 150
"""More than that nobody can hit with a finger; the details hold them all."""

_SAID: Final[dict[State, str]] = {
    "settled": "fastest: {}",
    "tied": "= equal within the margin, {} first",
    "unclear": "? not enough evidence, {} ahead",
    "missing": "no time that may be compared",
}


@dataclass(frozen=True)
class Segment:
    """``number`` is the layer's place in its group, from 1; ``share`` in percent, NaN where no time is known.

    ``paint`` is its winner's (:class:`Look`), empty where nobody is.
    """

    number: int
    name: str
    share: float
    width: float
    winner: str
    paint: str
    state: State
    hint: str


def strip(group: ReportGroup, timings: pd.DataFrame | Columns, colours: Mapping[str, Look]) -> tuple[Segment, ...]:
    """In the order of the network. The time is that of the fastest on the whole, or else of each layer's fastest."""
    rows = records(timings, ("name", "problem", "median_s", "backend", "sign"))
    leader = group.leaders[0].backend if group.is_whole and group.leaders else None
    best = _times(row for row in rows if row["sign"] == "fastest")
    own = _times(row for row in rows if leader is not None and row["backend"] == leader)
    open_ = _layers(row for row in rows if row["sign"] == "undecided")
    tied = _layers(row for row in rows if row["sign"] == "same")
    seconds = [_seconds(layer, own or best) for layer in group.layers]
    known = [one for one in seconds if not math.isnan(one)]
    total, usual = math.fsum(known) or 1.0, (math.fsum(known) / len(known) if known else 1.0)
    found = []
    for number, (layer, time) in enumerate(zip(group.layers, seconds, strict=True), 1):
        key = (layer.name, layer.problem)
        winner = best[key][1] if key in best else ""
        state: State = "missing" if not winner else "unclear" if key in open_ else "tied" if key in tied else "settled"
        share = 100 * time / total
        found.append(
            Segment(
                number=number,
                name=layer.name or layer.problem,
                share=share,
                # Of a layer without a time nothing tells the width: it has the mean of the others.
                width=round(100 * (usual if math.isnan(time) else time) / total, 3),
                winner=winner,
                paint=colours[winner].paint if winner else "",
                state=state,
                hint=_hint(layer, time, share, _SAID[state].format(winner)),
            )
        )
    if len(found) <= MOST_SEGMENTS:
        return tuple(found)
    least = sorted(found, key=lambda one: (-one.width, one.number))[MOST_SEGMENTS - 1].width
    return tuple(one for one in found if one.width >= least)[:MOST_SEGMENTS]


def _hint(layer: GroupRow, time: float, share: float, said: str) -> str:
    often = f" in {layer.occurrences} places" if layer.occurrences > 1 else ""
    took = "" if math.isnan(time) else f": {share:.1f} %, {duration(time)}{often}"
    return f"{layer.name or layer.problem}{took}; {said}"


def _seconds(layer: GroupRow, times: Mapping[tuple[str, str], tuple[float, str]]) -> float:
    found = times.get((layer.name, layer.problem))
    return layer.occurrences * found[0] if found else math.nan


def _times(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[float, str]]:
    """By layer the time and its backend."""
    timed = (row for row in rows if not math.isnan(row["median_s"]))
    return {(row["name"], row["problem"]): (row["median_s"], row["backend"]) for row in timed}


def _layers(rows: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(row["name"], row["problem"]) for row in rows}
