"""What a time budget reaches: who meets on which problems, foreseen from this machine's costs, and said in a line."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pointwise_bench.common.shape_groups import has_total
from pointwise_bench.common.what_people_use import WHAT_PEOPLE_USE
from pointwise_bench.suites.harness.design.costs import CostBook, CostKey
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import far_from_fastest
from pointwise_bench.suites.harness.design.spread import spread
from pointwise_bench.suites.harness.record.checkpoint import TrialKey
from pointwise_bench.suites.harness.run.plan import TrialTask

Limits = Mapping[CostKey, frozenset[TrialKey]]  # of backends that are given a part of the problems only


@dataclass(frozen=True)
class Reach:
    """The screening of a run: ``tasks`` in their order, and the groups that will be ``whole`` or ``left_out``.

    Where there are ``scouts``, everybody meets on those, and ``tasks`` are foreseen for who comes near the best on one
    of them; who that is, is known behind the scouts. ``limits``: see :data:`Limits`.
    """

    tasks: tuple[TrialTask, ...]
    scouts: tuple[TrialTask, ...] = ()
    limits: Limits = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    too_slow: frozenset[CostKey] = frozenset()
    """Backends whose workers would take too much of the time until they have a time."""
    seconds: float = 0.0
    """That the screening may take."""
    foreseen_s: float = 0.0
    """That it will take, where everybody meets everywhere."""
    backends: int = 0
    """That take part in it."""

    @property
    def said(self) -> str:
        """The line that is said before the first round."""
        parts, backends = [_counted(len(self.tasks), "problem")], _counted(self.backends, "backend")
        if self.scouts:
            parts += [f"{backends} screened on {len(self.scouts)} of them, those near the best on all"]
        else:
            parts += [f"{backends} screened in about {self.foreseen_s:.0f} s"]
        parts += ["finals of the leaders"]
        parts += [f"{name} on {len(keys)} of them" for (name, _), keys in sorted(self.limits.items())]
        parts += [f"without {name}, which takes too long" for name, _ in sorted(self.too_slow)]
        text = "plan: " + ", ".join(parts)
        if self.left_out:
            whole = ", ".join(self.whole) or "nothing"
            text += f"; too short for the whole selection: {whole} whole, without {', '.join(self.left_out)}"
        return text


class Forecast:
    """Foresees what a selection takes, from the book of costs as it is now."""

    def __init__(self, costs: CostBook, rounds: int = POLICY.screening.rounds) -> None:
        """``rounds``: of those who are not far from the fastest, on each problem of the screening."""
        self._costs = costs
        self.rounds = rounds

    def in_haste(self) -> Forecast:
        """The same with as few rounds as where the time is too short for every network."""
        return Forecast(self._costs, POLICY.screening.rounds_in_haste)

    def screening(self, tasks: Sequence[TrialTask], left_s: float, share: float = POLICY.screening.share) -> Reach:
        """What a run reaches of ``tasks``, in the order asked, that has ``left_s`` seconds for all its measuring.

        ``share``: of that time, for the screening where everybody meets everywhere.
        """
        too_slow = self.too_slow(tasks, left_s)
        tasks = without(tasks, too_slow)
        seconds, short_s = share * left_s, POLICY.screening.short_share * left_s
        reach = self.everywhere(tasks, seconds)
        if reach is None:
            reach, seconds = self._scouted(tasks, short_s), short_s
        backends = len({name for task in tasks for name in task.backends})
        return replace(reach, too_slow=too_slow, seconds=seconds, backends=backends)

    def too_slow(self, tasks: Sequence[TrialTask], left_s: float) -> frozenset[CostKey]:
        """The backends that would take too much of the time for starting, or for one problem.

        Never so many that one alone is left: who was asked for with one other only is to be compared with that, where
        it fits into a part of the time.
        """
        rule, of = POLICY.screening, _by_backend(tasks)
        most_own_s = max(rule.least_own_s, rule.most_own_share * left_s)
        most_start_s = max(rule.least_start_s, rule.most_start_share * left_s)
        slow = frozenset(
            key
            for key, own in of.items()
            if self._costs.starts_s([key]) > most_start_s or self._least_own_s(key, own) > most_own_s
        )
        if slow == of.keys():
            return frozenset()
        if len({name for name, _ in of.keys() - slow}) > 1:
            return slow
        taking_s = {key: self._costs.starts_s([key]) + self._own_s(key, of[key]) * len(of[key]) for key in slow}
        second = min(taking_s, key=lambda key: (taking_s[key], key), default=None)
        return slow - {second} if second is not None and taking_s[second] <= rule.share_of_second * left_s else slow

    def everywhere(self, tasks: Sequence[TrialTask], seconds: float) -> Reach | None:
        """Everybody on all ``tasks`` within ``seconds``, who is dear on some of them; None where that does not fit."""
        if (foreseen_s := self.screening_s(tasks)) <= seconds:
            return Reach(tuple(tasks), (), {}, tuple(groups(tasks)), foreseen_s=foreseen_s)
        dear = self.dear(tasks)
        left_s = seconds - self.screening_s(without(tasks, dear))
        if dear and left_s > 0:
            limits = self.limits(tasks, dear, left_s)
            fair = limited(tasks, limits)
            return Reach(tuple(fair), (), limits, tuple(groups(tasks)), foreseen_s=self.screening_s(fair))
        return None

    def followed(
        self, tasks: Sequence[TrialTask], seconds: float, *, partly: bool = True
    ) -> tuple[list[TrialTask], Limits]:
        """Whole groups of ``tasks`` that fit into ``seconds``; who is dear, on those that are left for it.

        ``partly``: see :meth:`fitting`.
        """
        dear = self.dear(tasks)
        kept_s = POLICY.screening.share_of_dear * seconds if dear else 0.0
        fitted = {task.planned.key for task in self.fitting(without(tasks, dear), seconds - kept_s, partly)}
        tasks = [task for task in tasks if task.planned.key in fitted]
        limits = self.limits(tasks, dear, seconds - self.screening_s(without(tasks, dear)))
        return limited(tasks, limits), limits

    def dear(self, tasks: Sequence[TrialTask]) -> frozenset[CostKey]:
        """The backends that would take more than their fair share: so many times what the others take as a rule.

        The others of one are those that take less, half of all at least, and their rule is the median: the mean over
        all would be that of the dearest, beside which nobody else is dear, and beside one that refuses nearly all,
        everybody would be.
        """
        seconds = {key: self._own_s(key, own) * len(own) for key, own in _by_backend(tasks).items()}
        ordered = sorted(seconds, key=seconds.__getitem__)
        for less in range((len(ordered) + 1) // 2, len(ordered)):
            usual_s = statistics.median(seconds[key] for key in ordered[:less])
            if seconds[ordered[less]] > POLICY.screening.fair_share * usual_s > 0:
                return frozenset(ordered[less:])
        return frozenset()

    def limits(self, tasks: Sequence[TrialTask], dear: Collection[CostKey], seconds: float) -> Limits:
        """The problems of the ``dear`` backends, spread, within their fair shares and ``seconds`` for all of them.

        Those that a backend refuses cost nothing, and come on top.
        """
        of = _by_backend(tasks)
        others_s = [self._own_s(key, own) * len(own) for key, own in of.items() if key not in dear]
        fair_s = POLICY.screening.fair_share * sum(others_s) / max(1, len(others_s))
        asked = sorted(of.keys() & set(dear), key=lambda key: (len(of[key]) * self._own_s(key, of[key]), key))
        found: dict[CostKey, frozenset[TrialKey]] = {}
        for key in asked:
            refused, taken = self._by_refusal(key, of[key])
            most_s = min(fair_s, seconds / (len(asked) - len(found)))  # what the less dear leave is for the dearer
            each_s = max(1e-9, self._own_s(key, taken))
            count = max(1, min(len(taken), int(most_s / each_s)))
            seconds -= count * each_s
            chosen = refused + [taken[place] for place in spread([task.planned.problem for task in taken], count)]
            found[key] = frozenset(task.planned.key for task in chosen)
        return found

    def fitting(self, tasks: Sequence[TrialTask], seconds: float, partly: bool = True) -> list[TrialTask]:
        """Whole groups in the order asked, each that still fits into ``seconds``; the rest is left out.

        A problem of several groups is paid for once. Where not even one group fits and ``partly`` is asked for, the
        first one's first problems do.
        """
        chosen: dict[TrialKey, TrialTask] = {}
        left_s = seconds - self._costs.starts_s(key for task in tasks for key in task.keys)
        for members in groups(tasks).values():
            new = {task.planned.key: task for task in members if task.planned.key not in chosen}
            cost_s = sum(map(self.task_s, new.values()))
            if cost_s <= left_s:
                chosen |= new
                left_s -= cost_s
        if not chosen and partly:
            for task in tasks:
                left_s -= self.task_s(task)
                if left_s < 0:
                    break
                chosen[task.planned.key] = task
        return list(chosen.values())

    def as_many_as_fit(self, tasks: Sequence[TrialTask], seconds: float) -> list[TrialTask]:
        """The cheapest of ``tasks`` that fit into ``seconds`` together, the starts of their workers included."""
        chosen: list[TrialTask] = []
        for task in sorted(tasks, key=self.task_s):
            if self.screening_s([*chosen, task]) > seconds:
                break
            chosen.append(task)
        return chosen

    def screening_s(self, tasks: Sequence[TrialTask]) -> float:
        """Seconds of all ``tasks``, the starts of workers that do not run yet included."""
        return self._costs.starts_s(key for task in tasks for key in task.keys) + sum(map(self.task_s, tasks))

    def task_s(self, task: TrialTask) -> float:
        """Seconds of one trial of the screening."""
        planned = task.planned
        speeds = {
            name: self._costs.of((name, planned.threads)).seconds_per_call(planned.problem) for name in task.backends
        }
        far = far_from_fastest(speeds)
        rounds = {name: POLICY.screening.far_rounds if name in far else self.rounds for name in speeds}
        return self._costs.trial_s(planned.problem, planned.threads, rounds)

    def finals_trial_s(self, task: TrialTask) -> float:
        """Seconds of one trial of the finals."""
        rounds = dict.fromkeys(task.backends, POLICY.screening.final_rounds)
        return self._costs.trial_s(task.planned.problem, task.planned.threads, rounds)

    def finals_s(self, tasks: Sequence[TrialTask]) -> float:
        """Seconds of a pass of the finals, for which every worker starts anew."""
        keys = [key for task in tasks for key in task.keys]
        return self._costs.starts_s(keys, anew=True) + sum(map(self.finals_trial_s, tasks))

    # --- breadth --------------------------------------------------------------------------------------------

    def _own_s(self, key: CostKey, tasks: Sequence[TrialTask]) -> float:
        """What a backend adds to a trial, in the mean over ``tasks``."""
        seconds = (self._costs.own_s(key, task.planned.problem, self.rounds) for task in tasks)
        return sum(seconds) / max(1, len(tasks))

    def _least_own_s(self, key: CostKey, tasks: Sequence[TrialTask]) -> float:
        """The same for the quickest that it does not refuse: the mean is large for who refuses what is large."""
        _, taken = self._by_refusal(key, tasks)
        return min((self._own_s(key, [task]) for task in taken), default=0.0)

    def _by_refusal(self, key: CostKey, tasks: Sequence[TrialTask]) -> tuple[list[TrialTask], list[TrialTask]]:
        """Those that the backend is known to refuse, and the others."""
        refused = self._costs.refused
        return (
            [task for task in tasks if (key, task.planned.problem) in refused],
            [task for task in tasks if (key, task.planned.problem) not in refused],
        )

    def _scouted(self, tasks: Sequence[TrialTask], seconds: float) -> Reach:
        """Everybody on a few problems, the supposed near ones on those groups that will then fit.

        The few are of networks where there are any: on shapes of a microsecond, which come with ``basics``, twice as
        many are near the best as on any layer, and all of them would meet on all layers.
        """
        near = self._supposed_near(tasks)
        guess = [TrialTask(task.planned, tuple(name for name in task.backends if name in near)) for task in tasks]
        left_s = seconds - self._costs.starts_s(key for task in tasks for key in task.keys)
        scouting_s = POLICY.screening.scouting_share * left_s
        reached = {task.planned.key: task for task in self.fitting(guess, left_s - scouting_s)}
        if not all(task.planned.key in reached for task in tasks if of_a_network(task)):
            reached = {task.planned.key: task for task in self.in_haste().fitting(guess, left_s - scouting_s)}
        candidates = [task for task in tasks if task.planned.key in reached] or next(iter(groups(tasks).values()))
        scouts = self._scouts(list(filter(of_a_network, candidates)) or candidates, scouting_s)
        reached = {task.planned.key: task for task in scouts} | reached
        whole = whole_groups(tasks, reached)
        return Reach(
            tuple(reached.values()), scouts, {}, whole, tuple(name for name in groups(tasks) if name not in whole)
        )

    def _scouts(self, tasks: Sequence[TrialTask], seconds: float) -> tuple[TrialTask, ...]:
        """As many problems, spread over ``tasks``, as fit into ``seconds``, the quickest first; the dear on a share."""
        rule = POLICY.screening
        order = [tasks[place] for place in spread([task.planned.problem for task in tasks], rule.most_scouts)]
        limits = self.limits(order, self.dear(order), seconds)
        scouts: list[TrialTask] = []
        for task in limited(order, limits):
            seconds -= self.task_s(task)
            if seconds < 0 and len(scouts) >= rule.fewest_scouts:
                break
            scouts.append(task)
        return tuple(sorted(scouts, key=self.task_s))

    def scouts_first(self, tasks: Sequence[TrialTask]) -> list[TrialTask]:
        """Those that are spread over ``tasks`` before the others, and of them the quickest first."""
        first = set(spread([task.planned.problem for task in tasks], POLICY.screening.most_scouts))
        scouts = sorted((tasks[place] for place in sorted(first)), key=self.task_s)
        return scouts + [task for place, task in enumerate(tasks) if place not in first]

    def _supposed_near(self, tasks: Sequence[TrialTask]) -> set[str]:
        """Who is near the best by the speeds that are known, and who goes on behind scouts in any case.

        A handful where nothing is known. With those near alone, which were two, the plan of a minute had 131 problems.
        """
        rule = POLICY.screening
        speeds = {key[0]: 1 / self._costs.of(key).multiply_adds_per_s for task in tasks for key in task.keys}
        ordered = sorted(speeds, key=speeds.__getitem__)
        limit = rule.near * min(speeds.values(), default=0.0)
        near = {name for name in ordered if speeds[name] <= limit}
        if len(near) == len(ordered):
            return set(ordered[: max(2, len(ordered) // 3)])
        used = [name for name in WHAT_PEOPLE_USE if name in speeds]
        return near | set(ordered[: rule.fewest_near]) | set(used[:1])


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def groups(tasks: Iterable[TrialTask]) -> dict[str, list[TrialTask]]:
    """The tasks of each group of the catalogue, networks first, else in the order asked: a time goes to them first."""
    found: dict[str, list[TrialTask]] = {}
    for task in tasks:
        for place in task.planned.places:
            found.setdefault(place.group, []).append(task)
    return {name: found[name] for name in sorted(found, key=lambda name: not has_total(name))}


def of_a_network(task: TrialTask) -> bool:
    """Whether one of its groups has a total."""
    return any(has_total(place.group) for place in task.planned.places)


def whole_groups(tasks: Sequence[TrialTask], reached: Collection[TrialKey]) -> tuple[str, ...]:
    """The groups of which every problem is reached."""
    return tuple(
        name for name, members in groups(tasks).items() if all(task.planned.key in reached for task in members)
    )


def without(tasks: Iterable[TrialTask], keys: Collection[CostKey]) -> list[TrialTask]:
    """The tasks without some backends, and those of nobody else left out."""
    found = (replace(task, backends=tuple(key[0] for key in task.keys if key not in keys)) for task in tasks)
    return [task for task in found if task.backends]


def _by_backend(tasks: Iterable[TrialTask]) -> dict[CostKey, list[TrialTask]]:
    found: dict[CostKey, list[TrialTask]] = {}
    for task in tasks:
        for key in task.keys:
            found.setdefault(key, []).append(task)
    return found


def limited(tasks: Iterable[TrialTask], limits: Limits) -> list[TrialTask]:
    """The tasks without the backends that are given other problems."""
    return [
        TrialTask(
            task.planned,
            tuple(
                name
                for name in task.backends
                if task.planned.key in limits.get((name, task.planned.threads), (task.planned.key,))
            ),
        )
        for task in tasks
    ]
