"""Which backend wins by channels and pixels, with the zones in which nobody is known to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.report.analysis.winners import WinMap, Zone, ZoneState, win_maps
from pointwise_bench.report.analysis.wording import threads_of

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.plots.style import Look

TITLE: Final = "Win map: who is fastest by channels and pixels"

MOST_NAMED: Final = 3
"""Backends of a zone in which several win."""


@dataclass(frozen=True)
class Square:
    """A zone as the table shows it; ``count`` is of how many problems, ``colour`` empty where nobody wins."""

    state: ZoneState
    who: str
    count: str
    colour: str


def view(found: RunAnalysis, colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """A map for each kind of problem; None where nothing was compared."""
    maps = win_maps(found.timings)
    if not maps:
        return None
    return {"maps": [(_title(one), one.channels, _rows(one, colours), _tally(one)) for one in maps]}


def _title(shown: WinMap) -> str:
    threads, dtype, layout, direction = shown.kind
    return f"{dtype}, {layout}, {direction}, {threads_of(threads)}"


def _rows(shown: WinMap, colours: Mapping[str, Look]) -> list[tuple[int, list[Square | None]]]:
    """From the most pixels down, as a map has its north."""
    return [
        (pixels, [_square(shown.zones.get((channels, pixels)), colours) for channels in shown.channels])
        for pixels in reversed(shown.pixels)
    ]


def _square(zone: Zone | None, colours: Mapping[str, Look]) -> Square | None:
    if zone is None:
        return None
    layers = f"{zone.problems} layer{'s' * (zone.problems != 1)}"
    if zone.state == "open":
        return Square("open", "no verdict", layers, "")
    if zone.state == "mixed":
        shown = [f"{name} {count}" for name, count in list(zone.won.items())[:MOST_NAMED]]
        more = [f"{len(zone.won) - MOST_NAMED} more"] if len(zone.won) > MOST_NAMED else []
        return Square("mixed", ", ".join([*shown, *more]), f"no one winner, {zone.decided} of {layers} decided", "")
    also = [name for name, count in zone.won.items() if count == zone.decided and name != zone.winner]
    who = " = ".join([zone.winner, *also[: MOST_NAMED - 1]])
    count = layers if zone.state == "won" else f"{zone.decided} of {layers} decided"
    return Square(zone.state, who, count, colours[zone.winner].colour)


def _tally(shown: WinMap) -> str:
    """The finding in a sentence."""
    zones = list(shown.zones.values())
    problems, decided = sum(zone.problems for zone in zones), sum(zone.decided for zone in zones)
    won: dict[str, int] = {}
    for zone in zones:
        for name, count in zone.won.items():
            won[name] = won.get(name, 0) + count
    ranked = sorted(won.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{name} leads on {count}" for name, count in ranked[: MOST_NAMED + 1]]
    return f"Of {problems} problems {decided} have a verdict: {'; '.join(parts) or 'nobody leads'}."
