"""At the end of a run: what all layers of each network take in one pass, beside each of them alone.

Asked of a network's fastest backend, and then of what people use, each in its worker, alone. Every cell is written by
then, and whatever goes wrong here is a line: what it costs is kept back from the time budget, see
:func:`reserve_s`. Not measured with a cold cache, of gradients or on other devices: a pass is said of forward layers
whose sum was taken on the processor with hot caches.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pointwise_bench.backends import registry
from pointwise_bench.common.shape_groups import CENSUS, has_total
from pointwise_bench.common.what_people_use import WHAT_PEOPLE_USE
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.affinity import cores_of
from pointwise_bench.suites.harness.memory.room_for_a_problem import available_bytes
from pointwise_bench.suites.harness.record.cell_file import CellFile
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.run.plan import Plan, PlannedTrial
from pointwise_bench.suites.harness.timing.timed_sequence import SequenceSamples

KEY: Final = "in_sequence"
"""Of run.json."""
_NAMED: Final = ("group", "threads", "backend")


@dataclass(frozen=True)
class Network:
    """The layers of a group with one thread budget, each with how often it occurs."""

    group: str
    threads: int
    layers: tuple[tuple[PlannedTrial, int], ...]

    @property
    def occurrences(self) -> int:
        """How many layers a pass has."""
        return sum(count for _, count in self.layers)

    @property
    def bytes(self) -> int:
        """What their inputs, weights and results take, each with its own."""
        return sum(count * planned.problem.min_bytes for planned, count in self.layers)

    def totals(self, cells: CellFile) -> dict[str, float]:
        """Seconds of the sum of layers, for each backend that has a valid time of its own arithmetic on all of them."""
        shared = set.intersection(*({*planned.backends} for planned, _ in self.layers))
        fit = {name for name in shared if (own := registry.get(name)).device == "cpu" and own.arithmetic == "own"}
        found = {}
        for name in sorted(fit):
            keys = [(name, *planned.key) for planned, _ in self.layers]
            if all(key in cells and key not in cells.failed for key in keys):
                seconds = [statistics.median(cells[key].samples_s) for key in keys]
                found[name] = sum(one_s * count for one_s, (_, count) in zip(seconds, self.layers, strict=True))
        return found


def networks_of(plan: Plan) -> list[Network]:
    """Those of which a pass means something: not the census, which is of many models, nor what has gradients."""
    found: dict[tuple[str, int], list[tuple[PlannedTrial, int]]] = {}
    for planned in plan:
        for place in planned.places:
            if has_total(place.group) and place.group != CENSUS:
                found.setdefault((place.group, planned.threads), []).append((planned, place.count))
    networks = [Network(group, threads, tuple(layers)) for (group, threads), layers in found.items()]
    return [one for one in networks if all(planned.problem.direction == "forward" for planned, _ in one.layers)]


def reserve_s(plan: Plan, options: Options, budget_s: float | None) -> float:
    """How much of a budget is kept back for the passes while the cells are measured."""
    rule = POLICY.sequence
    if budget_s is None or not _measures(options) or not networks_of(plan):
        return 0.0
    return rule.share * budget_s if budget_s >= rule.shortest_budget_s or options.models else 0.0


def _measures(options: Options) -> bool:
    return not options.in_process and options.cache == "hot"


class Sequences:
    """Asks for the passes that ``run.json`` lacks, and writes them there."""

    def __init__(self, passes: Passes, options: Options) -> None:
        self._passes = passes
        self._options = options
        self._run: dict[str, Any] = passes.run_folder.run

    def run(self) -> None:
        """First the fastest of each network, then of each what people use, as far as the time reaches."""
        rule, budget = POLICY.sequence, self._passes.budget
        reserved_s = reserve_s(self._passes.plan, self._options, budget.seconds)
        budget.closing_s -= reserved_s
        if not _measures(self._options) or (budget.seconds is not None and not reserved_s):
            return
        ends = time.monotonic() + min(reserved_s or float("inf"), budget.left_s())
        for asked in self._asked():
            for place, (network, backend) in enumerate(asked):
                if (left_s := ends - time.monotonic()) < rule.least_s:
                    return
                share_s = max(left_s / (len(asked) - place), rule.least_s)
                self._note(network, backend, min(share_s, rule.seconds))

    def _asked(self) -> Iterable[list[tuple[Network, str]]]:
        """The fastest ones, and what people use; without what an earlier session has measured."""
        # A list, and compared: what lies on a disk may hold what no set does.
        known = [[one.get(key) for key in _NAMED] for one in self._run.get(KEY, ()) if isinstance(one, dict)]
        fastest, used = [], []
        for network in networks_of(self._passes.plan):
            totals = network.totals(self._passes.run_folder.cells)
            if totals:
                fastest.append((network, min(totals, key=totals.__getitem__)))
                used += [(network, name) for name in WHAT_PEOPLE_USE if name in totals][:1]
        for asked in (fastest, [one for one in used if one not in fastest]):
            yield [each for each in asked if [each[0].group, each[0].threads, each[1]] not in known]

    def _note(self, network: Network, backend: str, seconds: float) -> None:
        """Ask, record and announce."""
        title = f"{network.group} in sequence, threads: {network.threads}, {backend}"
        try:
            samples = self._samples(network, backend, seconds)
        except Ended as ended:
            self._passes.announce(f"{title}: not measured, {ended.status}: {ended.reason}")
            return
        if samples.refusal:
            self._passes.announce(f"{title}: not measured, {samples.refusal}")
            return
        ratios = [pass_s / sum_s for pass_s, sum_s in zip(samples.sequence_s, samples.alone_s, strict=True)]
        self._passes.announce(f"{title}: {statistics.median(ratios):.2f} times the sum of its layers alone")
        self._run.setdefault(KEY, []).append(
            dict(zip(_NAMED, (network.group, network.threads, backend), strict=True))
            | {
                "alone_s": _rounded(samples.alone_s),
                "sequence_s": _rounded(samples.sequence_s),
            }
        )
        self._passes.run_folder.write()

    def _samples(self, network: Network, backend: str, seconds: float) -> SequenceSamples:
        """``Ended`` where the worker ends; it is let go of in any case, with the memory of so many layers."""
        rule = POLICY.sequence
        if network.occurrences > rule.most_occurrences:
            return SequenceSamples(f"it has {network.occurrences} layers, more than {rule.most_occurrences}")
        if network.bytes > rule.share_of_memory * available_bytes():
            return SequenceSamples(f"its layers take {network.bytes / 2**30:.3g} GiB, too much of what is free here")
        slot = self._passes.pool.slot(backend, network.threads)
        if slot.client is None:
            return SequenceSamples(slot.missing or "it has no worker")
        try:
            return slot.client.time_sequence(
                [(planned.problem, count) for planned, count in network.layers],
                rule.asked_share * seconds,
                self._passes.rng.randrange(2**32),
                cores_of(network.threads, 0),
                seconds,
            )
        finally:
            self._passes.pool.dismiss(slot)


def _rounded(seconds: Sequence[float]) -> list[float]:
    return [float(f"{one:.7g}") for one in seconds]
