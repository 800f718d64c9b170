"""What a run is to measure: problems with their thread budgets, and who competes in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.record.checkpoint import TrialKey


@dataclass
class PlannedTrial:
    """One problem with one thread budget: where it stands in the catalogue, and who competes in it."""

    problem: Problem
    threads: int
    places: list[Place] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    cost_s: float = 0.0  # of its last contest

    @property
    def key(self) -> TrialKey:
        """What identifies it within a run."""
        return (self.problem.id, self.threads)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.places[0].group} {self.places[0].name}"


class Plan:
    """The events of a run, in the order in which they were added."""

    def __init__(self) -> None:
        self._events: dict[TrialKey, PlannedTrial] = {}

    def add(self, problem: Problem, threads: int, backend: str, place: Place) -> None:
        """Add one cell. The same problem in another place is measured once."""
        event = self._events.setdefault((problem.id, threads), PlannedTrial(problem, threads))
        if place not in event.places:
            event.places.append(place)
        if backend not in event.backends:
            event.backends.append(backend)

    def __iter__(self) -> Iterator[PlannedTrial]:
        return iter(self._events.values())

    @property
    def thread_budgets(self) -> list[int]:
        """Every thread budget that an event has."""
        return sorted({event.threads for event in self})

    @property
    def backends(self) -> list[str]:
        """Everybody who competes anywhere, by name."""
        return sorted({name for event in self for name in event.backends})
