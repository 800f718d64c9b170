"""Who is fastest where: the problems of a run sorted into zones of like sizes, and what is settled of each zone."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pandas as pd

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.series import values_of
from pointwise_bench.report.statistics.signs import LEADING

ZoneState = Literal["won", "partly", "mixed", "open"]


class Kind(NamedTuple):
    """What sizes are compared within: between two of these a winner says nothing."""

    threads: int
    dtype: str
    layout: str
    direction: str


@dataclass(frozen=True)
class Zone:
    """Problems of like sizes. ``won`` counts those that each backend leads alone or as the same as who does.

    ``state``: all are ``won`` by one backend, or ``partly``, as some are open; ``mixed``: by none of them all;
    ``open``: of none is it known. ``winner`` leads all that are decided, and is empty where nobody does.
    """

    problems: int
    decided: int
    won: Mapping[str, int]

    @property
    def winner(self) -> str:
        """Of several that lead all, the first by name."""
        return min((name for name, count in self.won.items() if count == self.decided), default="")

    @property
    def state(self) -> ZoneState:
        """See the class."""
        if not self.decided:
            return "open"
        if not self.winner:
            return "mixed"
        return "won" if self.decided == self.problems else "partly"


@dataclass(frozen=True)
class WinMap:
    """Zones by (channels, pixels), both the middle of what they hold: powers of two and of four."""

    kind: Kind
    zones: Mapping[tuple[int, int], Zone]

    @property
    def channels(self) -> list[int]:
        """Of the zones that hold a problem, ascending; as :attr:`pixels`."""
        return sorted({channels for channels, _ in self.zones})

    @property
    def pixels(self) -> list[int]:
        """Number of pixels of a whole batch."""
        return sorted({pixels for _, pixels in self.zones})


def win_maps(timings: pd.DataFrame) -> list[WinMap]:
    """One for each kind of problem, the kind with most problems first; those with groups of channels are left out."""
    signs: defaultdict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    compared = timings[timings["sign"] != ""]
    columns = (values_of(compared[name]) for name in ("problem", "threads", "backend", "sign"))
    for name, threads, backend, sign in zip(*columns, strict=True):
        signs[name, threads][backend] = sign
    found: defaultdict[Kind, defaultdict[tuple[int, int], list[set[str] | None]]]
    found = defaultdict(lambda: defaultdict(list))
    for (name, threads), of_backends in sorted(signs.items()):
        problem = Problem.parse(name)
        if problem.groups == 1:  # no size on the map would tell of them
            kind = Kind(threads, problem.dtype, problem.layout, problem.direction)
            found[kind][_place(problem)].append(_leaders(of_backends))
    maps = [WinMap(kind, {place: _zone(each) for place, each in zones.items()}) for kind, zones in found.items()]
    return sorted(maps, key=lambda one: (-sum(zone.problems for zone in one.zones.values()), one.kind))


def _place(problem: Problem) -> tuple[int, int]:
    """Where it stands on the map: the geometric mean of its channels, and its pixels; 0 where it has none."""
    channels = math.sqrt(problem.in_channels * problem.out_channels)
    pixels = problem.batch * problem.out_height * problem.out_width
    return _nearest_power(2, channels), _nearest_power(4, pixels)


def _nearest_power(base: int, value: float) -> int:
    return int(base ** round(math.log(value, base))) if value >= 1 else 0


def _leaders(signs: Mapping[str, str]) -> set[str] | None:
    """Who leads; None where somebody else could."""
    # Who was measured alone won against nobody.
    if len(signs) == 1 or "undecided" in signs.values():
        return None
    return {backend for backend, sign in signs.items() if sign in LEADING}


def _zone(problems: Sequence[set[str] | None]) -> Zone:
    decided = [leaders for leaders in problems if leaders]
    won = Counter(name for leaders in decided for name in leaders)
    return Zone(len(problems), len(decided), dict(sorted(won.items(), key=lambda item: (-item[1], item[0]))))
