"""The second stage of a run within a time budget: further starts of those who can still be the fastest.

What a user asks is which backend to use for a network, and for each of its layers. So the time goes to totals that are
undecided, then to layers of networks that are, then to other layers; of each to what a second is expected to settle
most of. What the time left is not expected to settle gets what the rest leaves. Nobody who has lost is started again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pointwise_bench.common.shape_groups import has_total
from pointwise_bench.suites.harness.design.costs import CostKey
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.checkpoint import TrialKey
from pointwise_bench.suites.harness.run.contenders import Outlook, Parts, network_outlook, outlooks
from pointwise_bench.suites.harness.run.course.forecast import Forecast
from pointwise_bench.suites.harness.run.course.meeting import Meeting
from pointwise_bench.suites.harness.run.course.run_controls import RunControls
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.run.plan import Plan, PlannedTrial, TrialTask
from pointwise_bench.suites.harness.run.progress import Progress


@dataclass(frozen=True)
class Question:
    """What is undecided, and the trials that a further start of its contenders takes: one layer, or a whole network.

    ``weight``: part of a network's time that it is about; ``more``: starts that are expected to settle it; ``seconds``:
    of the trials of one start.
    """

    tasks: tuple[TrialTask, ...]
    weight: float
    more: int
    seconds: float


class Finals:
    """The passes behind the screening, until everything is settled or the time is up."""

    def __init__(self, passes: Passes) -> None:
        self._passes = passes
        self._forecast = Forecast(passes.costs)
        self._controls = RunControls(passes, self._forecast)

    def run(self) -> None:
        """Further passes, each over what is undecided then and fits into the time that is left."""
        self._passes.spend_on_waiting(POLICY.nearness.share_of_finals)
        for number in range(1, POLICY.rounds.most_passes_in_budget):
            met = self._met(number)
            tasks = fitting(
                self._questions(met),
                self._passes.budget.left_s(),
                self._forecast.finals_trial_s,
                partial(self._passes.costs.starts_s, anew=True),
            )
            if not tasks:
                return
            self._pass(number, self._controls.added_to(tasks, met.values()))

    def _pass(self, number: int, tasks: list[TrialTask]) -> None:
        passes = self._passes
        passes.restart()
        progress = Progress.of_stage(f"finals {number}", len(tasks), passes.budget, passes.announce)
        with passes.recorded(number, progress):
            passes.start(key for task in tasks for key in task.keys)
            # In another order, so that what earlier problems leave in a process differs between passes.
            for task in passes.rng.sample(tasks, len(tasks)):
                if passes.budget.left_s() < self._forecast.finals_trial_s(task):
                    continue  # a smaller one may still fit
                passes.trial(task, number, progress, POLICY.screening.final_rounds)

    # --- what is undecided ----------------------------------------------------------------------------------

    def _met(self, number: int) -> dict[TrialKey, Meeting]:
        """What was measured so far, of the trials that lack pass ``number``."""
        trials = [each for each in self._passes.plan if number not in self._passes.checkpoint.passes(each.key)]
        return {each.key: Meeting(each, parts) for each in trials if (parts := self._parts(each))}

    def _questions(self, met: Mapping[TrialKey, Meeting]) -> list[Question]:
        """Undecided totals, then undecided layers; of each, those come first of which a second settles most."""
        weights = weights_of(met.values())
        totals = [self._about_total(members) for members in whole_networks(self._passes.plan, met)]
        layers = [self._about_layer(met[key], found, weights[key]) for key, found in self._outlooks(met).items()]
        return [*in_order(totals), *in_order(layers)]

    def _parts(self, planned: PlannedTrial) -> Parts:
        """What was measured of the backends that may still be started."""
        pending = set(self._passes.pending(planned))
        return {name: parts for name, parts in self._passes.valid_parts(planned).items() if name in pending}

    def _outlooks(self, met: Mapping[TrialKey, Meeting]) -> dict[TrialKey, Outlook]:
        """Of each layer by itself; all of a thread budget are judged at once."""
        found: dict[TrialKey, Outlook] = {}
        for threads in dict.fromkeys(meeting.planned.threads for meeting in met.values()):
            own = {key: meeting.parts for key, meeting in met.items() if meeting.planned.threads == threads}
            judged = outlooks([*own.values()], self._passes.disagreement(threads))
            found |= dict(zip(own, judged, strict=True))
        return found

    def _about_layer(self, meeting: Meeting, found: Outlook, weight: float) -> Question | None:
        if found.leaders.settled:
            return None
        return self._question([TrialTask(meeting.planned, tuple(sorted(found.leaders.contenders)))], found, weight)

    def _about_total(self, members: Sequence[tuple[Meeting, int]]) -> Question | None:
        threads = members[0][0].planned.threads
        found = network_outlook(
            [(meeting.parts, count) for meeting, count in members], self._passes.disagreement(threads)
        )
        if found.leaders.settled:
            return None
        contenders = tuple(sorted(found.leaders.contenders))
        return self._question([TrialTask(meeting.planned, contenders) for meeting, _ in members], found, 1.0)

    def _question(self, tasks: list[TrialTask], found: Outlook, weight: float) -> Question:
        return Question(tuple(tasks), weight, found.more_starts, sum(map(self._forecast.finals_trial_s, tasks)))


def fitting(
    questions: Sequence[Question],
    left_s: float,
    trial_s: Callable[[TrialTask], float],
    starts_s: Callable[[Iterable[CostKey]], float],
) -> list[TrialTask]:
    """The trials of one more start that fit into ``left_s`` seconds, each with all backends that any question needs.

    First of the questions that all starts which they are expected to need fit into that time for, one after the other;
    then of those of which one start still fits beside them. ``starts_s``: what starting those workers takes.
    """
    chosen: dict[TrialKey, TrialTask] = {}
    keys: set[CostKey] = set()
    trials_s = later_s = 0.0  # of this start, and of those behind it
    most = 1
    for whole in (True, False):
        for question in questions:
            wanted = [task.joined(chosen.get(task.planned.key)) for task in question.tasks]
            before = [chosen[task.planned.key] for task in wanted if task.planned.key in chosen]
            seconds = trials_s + sum(map(trial_s, wanted)) - sum(map(trial_s, before))
            later = later_s + ((question.more - 1) * question.seconds if whole else 0.0)
            starts = max(most, question.more) if whole else most
            together = keys.union(*(task.keys for task in wanted))
            if seconds + later + starts * starts_s(together) <= left_s:
                chosen |= {task.planned.key: task for task in wanted}
                keys, trials_s, later_s, most = together, seconds, later, starts
    return list(chosen.values())


def in_order(questions: Iterable[Question | None]) -> list[Question]:
    """Those that there are; first of which a second is expected to settle the largest part of a network's time."""
    asked = [each for each in questions if each is not None]
    return sorted(asked, key=lambda each: (-each.weight / (each.more * each.seconds), each.more * each.seconds))


def whole_networks(plan: Plan, met: Mapping[TrialKey, Meeting]) -> list[list[tuple[Meeting, int]]]:
    """The layers of every group and thread budget of which all were measured, with how often each occurs."""
    found: dict[tuple[str, int], list[tuple[TrialKey, int]]] = {}
    for planned in plan:
        for place in planned.places:
            if has_total(place.group):
                found.setdefault((place.group, planned.threads), []).append((planned.key, place.count))
    return [
        [(met[key], count) for key, count in members]
        for members in found.values()
        if len(members) > 1 and all(key in met for key, _ in members)
    ]


def weights_of(met: Iterable[Meeting]) -> dict[TrialKey, float]:
    """The largest part that each trial has of the time of one of its networks, by its fastest backend; else nothing."""
    seconds: dict[tuple[str, int], float] = {}
    each = list(met)
    for meeting in each:
        for place in meeting.planned.places:
            group = (place.group, meeting.planned.threads)
            seconds[group] = seconds.get(group, 0.0) + place.count * meeting.best_s
    return {
        meeting.planned.key: max(
            (
                place.count * meeting.best_s / seconds[place.group, meeting.planned.threads]
                for place in meeting.planned.places
                if has_total(place.group)
            ),
            default=0.0,
        )
        for meeting in each
    }
