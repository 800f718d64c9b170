"""What a run is to measure: problems with their thread budgets, and the backends of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.record.checkpoint import TrialKey


@dataclass
class PlannedTrial:
    """One problem with one thread budget: its places in the catalogue, and the backends that it is measured with."""

    problem: Problem
    threads: int
    places: list[Place] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    cost_s: float = 0.0  # of its last trial

    @property
    def key(self) -> TrialKey:
        """What identifies it within a run."""
        return (self.problem.id, self.threads)

    @property
    def title(self) -> str:
        """The trial in words: group and name of its first place in the catalogue."""
        return f"{self.places[0].group} {self.places[0].name}"


@dataclass(frozen=True)
class TrialTask:
    """One trial of one pass: a planned trial, and those of its backends that take part."""

    planned: PlannedTrial
    backends: tuple[str, ...]

    @property
    def keys(self) -> list[tuple[str, int]]:
        """The backends with the thread budget."""
        return [(name, self.planned.threads) for name in self.backends]

    def joined(self, other: TrialTask | None) -> TrialTask:
        """The same trial with the backends of both."""
        return (
            self if other is None else replace(self, backends=tuple(dict.fromkeys((*other.backends, *self.backends))))
        )


class Plan:
    """The planned trials of a run, in the order in which they were added."""

    def __init__(self) -> None:
        self._trials: dict[TrialKey, PlannedTrial] = {}

    def add(self, problem: Problem, threads: int, backend: str, place: Place) -> None:
        """Add one cell. The same problem in another place is measured once."""
        planned = self._trials.setdefault((problem.id, threads), PlannedTrial(problem, threads))
        if place not in planned.places:
            planned.places.append(place)
        if backend not in planned.backends:
            planned.backends.append(backend)

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[PlannedTrial]:
        return iter(self._trials.values())

    @property
    def selection(self) -> list[dict[str, Any]]:
        """Every place of the catalogue that is to be measured, by problem and threads, as ``run.json`` holds them.

        Whoever reads the run can tell by it that a layer is missing: of a layer that was not reached there is no cell.
        """
        return [
            asdict(place) | {"problem": planned.problem.id, "threads": planned.threads}
            for planned in self
            for place in planned.places
        ]

    @property
    def keys(self) -> set[tuple[str, int]]:
        """Every backend with every thread budget that it is planned with."""
        return {(name, planned.threads) for planned in self for name in planned.backends}

    @property
    def thread_budgets(self) -> list[int]:
        """Every thread budget that is planned."""
        return sorted({planned.threads for planned in self})

    @property
    def backends(self) -> list[str]:
        """Every backend that is planned, by name."""
        return sorted({name for planned in self for name in planned.backends})
