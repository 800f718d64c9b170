"""Who is fastest on layers of models in general: each layer of the census weighs what it stands for."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.statistics.signs import LEADING

if TYPE_CHECKING:
    import pandas as pd

_KINDS: Final[Sequence[tuple[str, Callable[[Problem], bool]]]] = (
    ("groups of channels", lambda problem: problem.groups > 1),
    ("one pixel (squeeze and excitation)", lambda problem: _pixels(problem) == 1),
    ("stride", lambda problem: problem.stride > 1),
    ("up to 8 x 8 pixels", lambda problem: _pixels(problem) <= 64),
    ("up to 16 x 16 pixels", lambda problem: _pixels(problem) <= 256),
    ("up to 32 x 32 pixels", lambda problem: _pixels(problem) <= 1024),
    ("more pixels", lambda problem: True),
)
"""The first that holds is a layer's kind."""


@dataclass(frozen=True)
class UseAndWork:
    """Of occurrences and of multiply-adds, from 0 to 1."""

    use: float
    work: float


@dataclass(frozen=True)
class LedShare:
    """What a backend leads: alone, or as the same as who does.

    ``behind`` is the geometric mean of its time over the shortest one, by use; NaN where it has no time for some layer.
    """

    backend: str
    led: UseAndWork
    behind: float


@dataclass(frozen=True)
class KindOfLayer:
    """Layers of one kind: how many distinct ones, their share, who leads most of their use, and which part of it."""

    title: str
    layers: int
    share: UseAndWork
    leader: str
    led: float
    open: float
    """The part of whose use somebody else could be the fastest."""


@dataclass(frozen=True)
class ModelsInGeneral:
    """The census of a run under one thread budget."""

    threads: int
    layers: int
    occurrences: int
    open: UseAndWork
    backends: tuple[LedShare, ...]
    kinds: tuple[KindOfLayer, ...]


@dataclass(frozen=True)
class _Layer:
    problem: Problem
    count: int
    leaders: frozenset[str]
    """Empty where somebody else could be the fastest."""
    seconds: Mapping[str, float]

    @property
    def work(self) -> int:
        return self.count * self.problem.macs


def models_in_general(timings: pd.DataFrame, group: str) -> list[ModelsInGeneral]:
    """One for each thread budget under which ``group`` has a time, of the layers that have one."""
    rows = timings[(timings["group"] == group) & timings["rank"].notna()]
    columns = ("threads", "problem", "count", "backend", "median_s", "sign")
    cells: defaultdict[int, defaultdict[tuple[str, int], dict[str, tuple[float, str]]]]
    cells = defaultdict(lambda: defaultdict(dict))
    for threads, problem, count, backend, seconds, sign in zip(*(rows[one].tolist() for one in columns), strict=True):
        cells[threads][problem, count][backend] = (seconds, sign)
    return [_of_budget(threads, [_layer(*key, who) for key, who in of.items()]) for threads, of in cells.items()]


def _layer(problem: str, count: int, of_backends: Mapping[str, tuple[float, str]]) -> _Layer:
    signs = {backend: sign for backend, (_, sign) in of_backends.items()}
    # Who was measured alone won against nobody.
    told = len(signs) > 1 and "undecided" not in signs.values()
    leaders = frozenset(backend for backend, sign in signs.items() if told and sign in LEADING)
    seconds = {backend: each for backend, (each, _) in of_backends.items()}
    return _Layer(Problem.parse(problem), count, leaders, seconds)


def _of_budget(threads: int, layers: Sequence[_Layer]) -> ModelsInGeneral:
    names = sorted({backend for layer in layers for backend in layer.seconds})
    backends = [LedShare(name, _share(layers, _led_by(layers, name)), _behind(layers, name)) for name in names]
    backends.sort(key=lambda one: (-one.led.use, math.isnan(one.behind), one.behind, one.backend))
    of_kind: defaultdict[str, list[_Layer]] = defaultdict(list)
    for layer in layers:
        of_kind[next(title for title, holds in _KINDS if holds(layer.problem))].append(layer)
    return ModelsInGeneral(
        threads,
        len(layers),
        sum(layer.count for layer in layers),
        _share(layers, [layer for layer in layers if not layer.leaders]),
        tuple(backends),
        tuple(_kind(title, of_kind[title], layers, names) for title, _ in _KINDS if title in of_kind),
    )


def _kind(title: str, layers: Sequence[_Layer], whole: Sequence[_Layer], names: Sequence[str]) -> KindOfLayer:
    led = {name: _share(layers, _led_by(layers, name)).use for name in names}
    leader = max(names, key=lambda name: led[name])
    return KindOfLayer(
        title,
        len(layers),
        _share(whole, layers),
        leader if led[leader] else "",
        led[leader],
        _share(layers, [layer for layer in layers if not layer.leaders]).use,
    )


def _led_by(layers: Sequence[_Layer], name: str) -> list[_Layer]:
    return [layer for layer in layers if name in layer.leaders]


def _share(whole: Sequence[_Layer], part: Sequence[_Layer]) -> UseAndWork:
    return UseAndWork(
        use=sum(layer.count for layer in part) / sum(layer.count for layer in whole),
        work=sum(layer.work for layer in part) / (sum(layer.work for layer in whole) or 1),
    )


def _behind(layers: Sequence[_Layer], name: str) -> float:
    if any(name not in layer.seconds for layer in layers):
        return math.nan
    logs = [layer.count * math.log(layer.seconds[name] / min(layer.seconds.values())) for layer in layers]
    return math.exp(math.fsum(logs) / sum(layer.count for layer in layers))


def _pixels(problem: Problem) -> int:
    return problem.batch * problem.out_height * problem.out_width
