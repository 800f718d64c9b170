"""Machines side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pointwise_bench.report.analysis.overall.machines import Side, SideBySide, side_by_side
from pointwise_bench.report.analysis.wording import DASH, threads_of
from pointwise_bench.report.pages.files.csv_file import CsvFile

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.overall.recorded import Recorded
    from pointwise_bench.report.plots.style import Look

TITLE: Final = "Machines side by side"

MOST_COLUMNS: Final = 8
MOST_BACKENDS: Final = 40
MOST_LAYERS: Final = 150
"""What a table of the page shows; all of it is in the files."""

SHARES: Final = ("network", "machine", "threads", "run", "backend", "percent_of_roof", "layers_led", "layers_decided")
WINNERS: Final = ("network", "layer", "problem", "machine", "threads", "run", "state", "leaders")


class ShareSquare(NamedTuple):
    """A square of the picture: its text, what is below it, and how full it is, in percent."""

    text: str
    led: str
    full: int


def over(runs: Sequence[Recorded], colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where no network was measured on two machines."""
    found = side_by_side(runs)
    if not found:
        return None
    return {
        "networks": [_network(one) for one in found],
        "beside": [
            CsvFile("machines.csv", SHARES, list(_shares(found))),
            CsvFile("machines-winners.csv", WINNERS, list(_winners(found))),
        ],
    }


def _network(one: SideBySide) -> dict[str, Any]:
    sides = one.sides[:MOST_COLUMNS]
    names = sorted(
        {name for side in sides for name in (*side.of_roof, *side.led)}, key=lambda name: _order(sides, name)
    )
    return {
        "title": one.network,
        "sentence": _sentence(one),
        "columns": [(side.column.machine, threads_of(side.column.threads)) for side in sides],
        "rows": [(name, [_share(side, name) for side in sides]) for name in names[:MOST_BACKENDS]],
        "layers": [
            (row.name, row.problem, [_leaders(each) for each in row.leaders[:MOST_COLUMNS]])
            for row in one.rows[:MOST_LAYERS]
        ],
        "left_out": max(0, len(one.sides) - MOST_COLUMNS),
    }


def _order(sides: Sequence[Side], name: str) -> tuple[int, float, str]:
    """Who leads most layers on all machines together first."""
    shares = [side.of_roof[name] for side in sides if not math.isnan(side.of_roof.get(name, math.nan))]
    return -sum(side.led.get(name, 0) for side in sides), -max(shares, default=0.0), name


def _sentence(one: SideBySide) -> str:
    """The finding: whether the same backends lead everywhere."""
    everywhere = f"on all {len(one.sides)} machines and thread budgets"
    if not one.decided:
        return f"No layer has a verdict {everywhere}."
    return (
        f"Layers with a verdict {everywhere}: {one.decided} of {len(one.rows)}; with the same backend leading on each:"
        f" {one.agreed}."
    )


def _share(side: Side, name: str) -> ShareSquare:
    share = side.of_roof.get(name, math.nan)
    there = name in side.of_roof or name in side.led
    led = f"leads {side.led.get(name, 0)} of {side.decided}" if there else ""
    if math.isnan(share):
        return ShareSquare(DASH, led, 0)
    return ShareSquare(f"{100 * share:.0f} %", led, min(100, round(100 * share)))


def _leaders(leaders: tuple[str, ...] | None) -> str:
    if leaders is None:
        return DASH
    return " = ".join(leaders) or "no verdict"


def _shares(found: Sequence[SideBySide]) -> Iterator[Sequence[object]]:
    for one in found:
        for side in one.sides:
            for name in sorted({*side.of_roof, *side.led}):
                share = 100 * side.of_roof.get(name, math.nan)
                yield one.network, *side.column, name, share, side.led.get(name, 0), side.decided


def _winners(found: Sequence[SideBySide]) -> Iterator[Sequence[object]]:
    for one in found:
        for row in one.rows:
            for side, leaders in zip(one.sides, row.leaders, strict=True):
                state = "missing" if leaders is None else "decided" if leaders else "open"
                yield one.network, row.name, row.problem, *side.column, state, " = ".join(leaders or ())
