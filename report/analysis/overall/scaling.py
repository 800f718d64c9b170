"""How much faster whole networks are with more threads: each backend against itself with one thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.network_totals import Ratio

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.network_totals import Total
    from pointwise_bench.report.analysis.overall.recorded import Recorded, RecordedNetwork


@dataclass(frozen=True)
class Scaling:
    """One network on one machine.

    ``runs`` says from which run each thread budget is, ``times`` and ``speedups`` are by backend and budget; a speed-up
    is the time with one thread over that with more.
    """

    machine: str
    network: str
    runs: Mapping[int, str]
    times: Mapping[str, Mapping[int, Total]]
    speedups: Mapping[str, Mapping[int, Ratio]]
    left_out: int
    """Runs of other rules that have the network, too."""

    @property
    def known(self) -> bool:
        """Whether there is a speed-up."""
        return any(self.speedups.values())


def scalings(runs: Iterable[Recorded]) -> list[Scaling]:
    """Of every network that is whole in some run, by machine and in the order of the networks.

    Each thread budget is from the newest run that has it, of the rules of the newest run of all: so budgets of one run
    stay together. Between runs, and between the budgets of one, nothing is paired.
    """
    by_network: defaultdict[tuple[str, str], list[tuple[Recorded, RecordedNetwork]]] = defaultdict(list)
    for run in sorted(runs, key=lambda one: (one.started_at, one.run), reverse=True):
        for network in run.networks:
            if network.backends:
                by_network[run.machine, network.name].append((run, network))
    return [_scaling(machine, name, found) for (machine, name), found in sorted(by_network.items())]


def _scaling(machine: str, name: str, found: Sequence[tuple[Recorded, RecordedNetwork]]) -> Scaling:
    rules = found[0][0].rules
    runs: dict[int, str] = {}
    times: defaultdict[str, dict[int, Total]] = defaultdict(dict)
    for run, network in found:
        if run.rules == rules and network.threads not in runs:
            runs[network.threads] = run.run
            for backend, own in network.backends.items():
                times[backend][network.threads] = own.total
    other = len({run.run for run, _ in found if run.rules != rules})
    ordered = {backend: dict(sorted(of.items())) for backend, of in sorted(times.items())}
    speedups = {backend: _speedups(of) for backend, of in ordered.items()}
    return Scaling(machine, name, dict(sorted(runs.items())), ordered, speedups, other)


def _speedups(times: Mapping[int, Total]) -> dict[int, Ratio]:
    """Nothing without a time with one thread. Of two intervals apart, the ends that are furthest apart."""
    one = times.get(1)
    if one is None:
        return {}
    return {
        threads: Ratio(one.seconds / own.seconds, one.low / own.high, one.high / own.low)
        for threads, own in times.items()
        if threads > 1 and own.low > 0
    }


def sure(speedup: Ratio) -> str:
    """``faster`` or ``slower`` where the whole interval says so by more than the margin, else nothing."""
    if speedup.low > 1 + MARGIN:
        return "faster"
    return "slower" if speedup.high * (1 + MARGIN) < 1 else ""
