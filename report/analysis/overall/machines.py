"""Machines side by side: by the share of their own ceilings and by who leads which layer, never by their times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.overall.recorded import Recorded, RecordedNetwork


class Column(NamedTuple):
    """One machine under one thread budget, with the run that it is from."""

    machine: str
    threads: int
    run: str


@dataclass(frozen=True)
class Side:
    """One machine on one network.

    Of each backend the share of the machine's own roofs, from 0 to 1, where the network is whole, and on how many of
    the ``decided`` layers it leads.
    """

    column: Column
    of_roof: Mapping[str, float]
    led: Mapping[str, int]
    decided: int
    compared: int


class LedLayer(NamedTuple):
    """A layer: who leads it on each machine, in their order; see ``LayerLeaders``."""

    name: str
    problem: str
    leaders: tuple[tuple[str, ...] | None, ...]


@dataclass(frozen=True)
class SideBySide:
    """One network on several machines.

    Of the layers that are decided on all of them, ``agreed`` have a leader that leads on each.
    """

    network: str
    sides: tuple[Side, ...]
    rows: tuple[LedLayer, ...]
    decided: int
    agreed: int


def side_by_side(runs: Iterable[Recorded]) -> list[SideBySide]:
    """Of every network that two machines or more have measured, in the order of the names.

    Of each machine and thread budget the newest run counts, and one in which the network is whole before all others.
    """
    chosen: dict[str, dict[tuple[str, int], tuple[Recorded, RecordedNetwork]]] = {}
    for run in sorted(runs, key=lambda one: (one.started_at, one.run)):
        for network in run.networks:
            places = chosen.setdefault(network.name, {})
            before = places.get((run.machine, network.threads))
            measured = any(layer.leaders is not None for layer in network.layers)
            if measured and (before is None or network.is_whole or not before[1].is_whole):
                places[run.machine, network.threads] = (run, network)
    return [
        _network(name, [places[key] for key in sorted(places)])
        for name, places in sorted(chosen.items())
        if len({machine for machine, _ in places}) > 1
    ]


def _network(name: str, found: Sequence[tuple[Recorded, RecordedNetwork]]) -> SideBySide:
    sides = tuple(_side(run, network) for run, network in found)
    layers = dict.fromkeys((layer.name, layer.problem) for _, network in found for layer in network.layers)
    of = [{(layer.name, layer.problem): layer.leaders for layer in network.layers} for _, network in found]
    rows = tuple(LedLayer(*layer, tuple(leaders.get(layer) for leaders in of)) for layer in layers)
    decided = [row for row in rows if all(row.leaders)]
    agreed = sum(bool(set.intersection(*(set(leaders or ()) for leaders in row.leaders))) for row in decided)
    return SideBySide(name, sides, rows, len(decided), agreed)


def _side(run: Recorded, network: RecordedNetwork) -> Side:
    decided = [layer.leaders for layer in network.layers if layer.leaders]
    led = Counter(name for leaders in decided for name in leaders)
    return Side(
        Column(run.machine, network.threads, run.run),
        {name: own.of_roof for name, own in network.backends.items()},
        dict(sorted(led.items())),
        len(decided),
        sum(layer.leaders is not None for layer in network.layers),
    )
