"""The first stage of a run within a time budget: everybody meets in one start, on all problems if the time allows.

Where it does not, everybody meets on a few problems that are spread over the selection, and only who comes near the
best on one of them meets on the others. So a short run measures whole networks with those who can win there.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from pointwise_bench.common.what_people_use import WHAT_PEOPLE_USE
from pointwise_bench.suites.harness.design.costs import CostKey
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.state.other_programs import OtherPrograms
from pointwise_bench.suites.harness.memory.room_for_a_problem import lacks_room
from pointwise_bench.suites.harness.record.checkpoint import TrialKey
from pointwise_bench.suites.harness.run.course.forecast import Forecast, Limits, groups, of_a_network, without
from pointwise_bench.suites.harness.run.course.meeting import Meeting
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.run.plan import PlannedTrial, TrialTask
from pointwise_bench.suites.harness.run.progress import Progress


class Screening:
    """Pass 0 of a run within a time budget."""

    def __init__(self, passes: Passes) -> None:
        self._passes = passes
        self._forecast = Forecast(passes.costs)
        self._others = OtherPrograms()
        self._said_others = False
        self._near: set[CostKey] | None = None  # None where everybody goes on
        self._asked_again: set[tuple[str, TrialKey]] = set()  # behind the finals, on what their limits had left
        self.reasons: dict[CostKey, str] = {}
        """Why a backend has no cell on some of the problems that were reached."""

    def run(self) -> None:
        """Start everybody, and measure what the time reaches."""
        passes = self._passes
        too_slow = self._forecast.too_slow(self._open_tasks(), passes.budget.left_s())
        passes.start(key for task in without(self._open_tasks(), too_slow) for key in task.keys)
        self._note_too_large()
        tasks = self._open_tasks()  # without those that lack something
        if not tasks:
            self._note_that_nobody_is_here()
            return
        passes.ask_for_refusals(tasks, self._forecast.dear(tasks))
        began_s = passes.budget.left_s()
        reach = self._forecast.screening(tasks, began_s, self._share_of_everybody())
        passes.announce(reach.said)
        self._note_too_slow(reach.too_slow)
        tasks = without(tasks, reach.too_slow)
        progress = Progress.of_stage("screening", len(reach.tasks), passes.budget, passes.announce)
        with passes.recorded(0, progress):
            if reach.scouts:
                self._measure(reach.scouts, progress)
                if not self._everywhere_after_all(reach.scouts, tasks, progress):
                    self._choose_near(reach.scouts, tasks, began_s - reach.seconds)
                    self._follow(tasks, began_s - reach.seconds, progress)
            else:
                self._note_limits(tasks, reach.limits)
                kept_s = began_s - reach.seconds
                self._measure_everywhere(list(reach.tasks), kept_s, progress)

    def extend(self) -> bool:
        """Where time is left behind the finals: whether more was measured than the screening had reached.

        Further whole groups with those who were near. Where there are none left, or everybody met everywhere, who had a
        part of the problems only is measured on the others: of thirty minutes, 23 were left over where four of forty
        backends had been near the best, and the others had twelve of 500 problems.
        """
        passes = self._passes
        passes.costs.note_restart()  # the finals have other workers
        seconds = POLICY.screening.short_share * passes.budget.left_s()
        if self._near is not None and self._more(
            "more groups", 0, self._followed(self._open_tasks(), seconds, partly=True)
        ):
            return True
        number = 1 + max((each for planned in passes.plan for each in passes.checkpoint.passes(planned.key)), default=0)
        left = self._left_by_limits()
        # Of what is left then, one answer may take a share: whoever needs longer would end as timed out.
        kept_s = max(map(self._forecast.task_s, left), default=0.0) / POLICY.budget.patience_share
        rest = self._forecast.as_many_as_fit(left, min(seconds, passes.budget.left_s() - kept_s))
        self._asked_again |= {(name, task.planned.key) for task in rest for name in task.backends}
        return self._more("the rest", number, rest)

    def _more(self, title: str, number: int, tasks: Sequence[TrialTask]) -> bool:
        """Measure ``tasks`` with new workers; whether there were any."""
        if not tasks:
            return False
        passes = self._passes
        passes.restart()
        progress = Progress.of_stage(title, len(tasks), passes.budget, passes.announce)
        with passes.recorded(number, progress):
            passes.start(key for task in tasks for key in task.keys)
            self._measure(tasks, progress, number)
        return progress.done > 0

    def _left_by_limits(self) -> list[TrialTask]:
        """The problems on which a backend was not measured for its fair share, each beside the fastest there.

        And beside whoever is the fastest most often: with him a network's total is compared, of which no layer may lack
        a round that both had.
        """
        passes, found = self._passes, list[TrialTask]()
        fastest_on = self._fastest_on()
        often = Counter((name, threads) for (_, threads), name in fastest_on.items())
        for planned in passes.plan:
            parts = passes.valid_parts(planned)
            left = [
                name
                for name in passes.pending(planned)
                if name not in parts
                and self._usable(planned, name)
                and (name, planned.threads) in self.reasons
                and (name, planned.key) not in self._asked_again
            ]
            if left and parts:
                fastest = fastest_on[planned.key]
                leader = max(parts, key=lambda name: often[name, planned.threads])
                found.append(TrialTask(planned, tuple(dict.fromkeys((fastest, leader, *left)))))
        return found

    def _fastest_on(self) -> dict[TrialKey, str]:
        """Whose first median is the least, on every problem on which somebody has a time."""
        found: dict[TrialKey, str] = {}
        for planned in self._passes.plan:
            parts = self._passes.valid_parts(planned)
            if parts:
                found[planned.key] = min(parts, key=Meeting(planned, parts).first_median_s)
        return found

    def _open_tasks(self) -> list[TrialTask]:
        """What lacks the first pass, with the backends that lack nothing."""
        passes = self._passes
        tasks = [
            TrialTask(planned, tuple(name for name in passes.pending(planned) if self._usable(planned, name)))
            for planned in passes.plan
            if 0 not in passes.checkpoint.passes(planned.key)
        ]
        return [task for task in tasks if task.backends]

    def _note_too_large(self) -> None:
        """Write of each problem that the memory does not hold that it is so: it would be left out for want of time."""
        passes = self._passes
        large = [task for task in self._open_tasks() if lacks_room(task.planned.problem) is not None]
        if large:
            progress = Progress.of_stage("too large", len(large), passes.budget, passes.announce)
            with passes.recorded(0, progress):
                self._measure(large, progress)

    def _note_that_nobody_is_here(self) -> None:
        """Write what they lack, where all lack something: else the run would end for want of time, it would seem."""
        passes = self._passes
        lacking = [
            planned
            for planned in passes.plan
            if any(not self._usable(planned, name) for name in passes.pending(planned))
        ]
        if lacking:
            progress = Progress.of_stage("screening", len(lacking), passes.budget, passes.announce)
            with passes.recorded(0, progress):
                self._measure([TrialTask(planned, ()) for planned in lacking], progress)

    def _share_of_everybody(self) -> float:
        """Of the time, that everybody on all problems may take: less beside other programs, which is said once."""
        rule, busy = POLICY.screening, self._others.busy_share()
        if busy <= rule.busy_others:
            return rule.share
        if not self._said_others:
            self._said_others = True
            self._passes.announce(
                f"other programs keep {100 * busy:.0f} % of the cores busy, beside which starts disagree more: "
                "everybody meets on all problems only if that takes "
                f"{100 * rule.share_beside_others:.0f} % of the time at most"
            )
        return rule.share_beside_others

    def _usable(self, planned: PlannedTrial, name: str) -> bool:
        return self._passes.pool.missing((name, planned.threads)) is None

    def _measure(self, tasks: Iterable[TrialTask], progress: Progress, number: int = 0) -> None:
        for task in tasks:
            if self._passes.budget.left_s() <= 0:
                return
            self._passes.trial(task, number, progress, self._forecast.rounds, POLICY.screening.far_rounds)

    def _everywhere_after_all(
        self, scouts: Sequence[TrialTask], tasks: Sequence[TrialTask], progress: Progress
    ) -> bool:
        """Whether everybody meets everywhere though it was foreseen not to fit: the scouts have shown what it takes.

        Usual costs are those of another machine, and a quicker one had left ten backends out and time over.
        """
        left_s, share = self._passes.budget.left_s(), self._share_of_everybody()
        known = {task.planned.key for task in scouts}
        reach = self._forecast.everywhere([task for task in tasks if task.planned.key not in known], share * left_s)
        if reach is None or not reach.tasks:
            return False
        self._passes.announce(f"plan: everybody on all others, too, in about {reach.foreseen_s:.0f} s")
        progress.expect(progress.done + len(reach.tasks))
        self._note_limits(tasks, reach.limits)
        self._measure_everywhere(list(reach.tasks), (1 - share) * left_s, progress, scouts)
        return True

    def _measure_everywhere(
        self, tasks: list[TrialTask], kept_s: float, progress: Progress, scouts: Sequence[TrialTask] = ()
    ) -> None:
        """Everybody on all ``tasks``, as long as that is foreseen to fit into the time left; else as few as need be.

        ``kept_s`` seconds are for the finals. Costs that were not known before are known after a few problems. Where
        they are larger, who is dear is given fewer problems; where that is not enough, only who came near the best so
        far goes on. ``scouts`` are measured already.
        """
        passes = self._passes
        done = list(scouts)
        tasks = self._forecast.scouts_first(tasks)  # by them it is judged who is near, should that be asked
        while tasks:
            for task in tasks[: POLICY.screening.look_again]:
                self._measure([task], progress)
            done += tasks[: POLICY.screening.look_again]
            tasks = tasks[POLICY.screening.look_again :]
            left_s = POLICY.screening.most_share * (passes.budget.left_s() - POLICY.screening.least_kept * kept_s)
            if self._forecast.screening_s(tasks) <= left_s:
                continue
            reach = self._forecast.everywhere(tasks, left_s)
            if reach is None:
                self._go_on_with_those_near(done, tasks, progress)
                return
            self._note_limits(tasks, reach.limits)
            tasks = list(reach.tasks)
            given = ", ".join(f"{name} on {len(keys)} of the rest" for (name, _), keys in sorted(reach.limits.items()))
            passes.announce(f"plan: {given}, since costs are larger than foreseen")
            progress.expect(progress.done + len(tasks))

    def _go_on_with_those_near(self, done: list[TrialTask], tasks: list[TrialTask], progress: Progress) -> None:
        """The rest of the scouts with everybody, then the rest of ``tasks`` with who came near the best on one.

        The quickest scouts come first, and on tiny problems overheads decide: by six of them, who was second on all
        networks had been left out.
        """
        budget = self._passes.budget
        ends_s = (1 - POLICY.screening.scouting_share) * budget.left_s()
        while tasks and len(done) < POLICY.screening.most_scouts and budget.left_s() > ends_s:
            self._measure(tasks[:1], progress)
            done, tasks = done + tasks[:1], tasks[1:]
        kept_s = (1 - POLICY.screening.short_share) * budget.left_s()
        near = self._choose_near(done, tasks, kept_s)
        names = ", ".join(sorted({name for name, _ in near}))
        self._passes.announce(
            f"plan: the rest with {names}, who came near the best, since costs are larger than foreseen"
        )
        self._follow(tasks, kept_s, progress)

    # --- behind the scouts ----------------------------------------------------------------------------------

    def _follow(self, tasks: Sequence[TrialTask], kept_s: float, progress: Progress) -> None:
        """Measure what fits of ``tasks`` with those who came near the best, and keep ``kept_s`` seconds for the finals.

        What they cost is known better behind each group, and it is asked anew what fits: one more network, or a smaller
        one, where the next of those foreseen would remain a part, which has no winner. Groups without a total that were
        not foreseen at first follow behind the finals, see :meth:`extend`: who wins a network is asked first.
        """
        left, foreseen = list(tasks), set[TrialKey]()
        while followed := self._next_groups(left, kept_s, at_first=not foreseen):
            foreseen = foreseen or {task.planned.key for task in followed}
            progress.expect(progress.done + len(followed))
            group = next(iter(groups(followed).values()))
            self._measure(group, progress)
            done = {task.planned.key for task in group}
            rest = [task for task in left if task.planned.key not in done]
            left = [task for task in rest if of_a_network(task) or task.planned.key in foreseen]

    def _next_groups(self, left: Sequence[TrialTask], kept_s: float, *, at_first: bool) -> list[TrialTask]:
        """What still fits of ``left``; a part of a group only ``at_first``, where not even one is whole.

        A further network that fits in the place of the finals comes before close calls.
        """
        left_s = self._passes.budget.left_s()
        followed = self._followed(left, left_s - kept_s, partly=at_first)
        if followed or at_first:
            return followed
        return self._followed(list(filter(of_a_network, left)), POLICY.screening.last_share * left_s, partly=False)

    def _followed(self, tasks: Sequence[TrialTask], seconds: float, *, partly: bool) -> list[TrialTask]:
        """The other problems of whole groups that fit into ``seconds``, with those who came near the best.

        ``partly``: where not even one group fits, the first problems of the first do.
        """
        near = self._near or set()
        far = {key for task in tasks for key in task.keys} - near
        others = [task for task in without(tasks, far) if 0 not in self._passes.checkpoint.passes(task.planned.key)]
        followed, limits = self._forecast.followed(others, seconds, partly=partly)
        self._note_limits(others, limits)
        return followed

    def _choose_near(self, scouts: Sequence[TrialTask], tasks: Sequence[TrialTask], kept_s: float) -> set[CostKey]:
        """Who goes on from the scouts to the other ``tasks``; fewer, in haste, where not all networks fit."""
        networks = {task.planned.key for task in tasks if of_a_network(task)}
        self._near = near = self._who_is_near(scouts, POLICY.screening.near)
        followed = self._followed(tasks, self._passes.budget.left_s() - kept_s, partly=False)
        if not networks <= {task.planned.key for task in (*scouts, *followed)}:
            self._near = near = self._who_is_near(scouts, POLICY.screening.near_in_haste)
            self._forecast = self._forecast.in_haste()
            self._passes.spend_on_waiting(POLICY.nearness.share_in_haste)
        return near

    def _who_is_near(self, scouts: Sequence[TrialTask], limit: float) -> set[CostKey]:
        """Who came so near the best on one of the scouts, and what people use; of the others the reason is kept."""
        nearest: dict[CostKey, float] = {}
        for task in scouts:
            parts = self._passes.valid_parts(task.planned)
            seconds = {name: statistics.median(own[0].samples_s) for name, own in parts.items() if 0 in own}
            best_s = min(seconds.values(), default=math.inf)
            for name, own_s in seconds.items():
                key = (name, task.planned.threads)
                nearest[key] = min(nearest.get(key, math.inf), own_s / best_s)
        near = {key for key, times in nearest.items() if times <= limit}
        for threads in {threads for _, threads in nearest}:
            field = sorted((key for key in nearest if key[1] == threads), key=lambda key: (nearest[key], key))
            near |= set(field[: POLICY.screening.fewest_near])
            used = [(name, threads) for name in WHAT_PEOPLE_USE if (name, threads) in nearest]
            near |= set(used[:1])  # speed-ups are counted against it
        self._passes.screened_out = {key for task in scouts for key in task.keys} - near
        for key in self._passes.screened_out:
            self.reasons[key] = _why_not_near(nearest.get(key), len(scouts))
        return near

    def _note_too_slow(self, keys: Iterable[CostKey]) -> None:
        for key in keys:
            costs = self._passes.costs.of(key)
            rule = POLICY.screening
            self.reasons[key] = (
                f"it takes {costs.start_s + costs.first_s:.1f} s to start and {costs.untimed_s:.2g} s or more to "
                f"prepare and check each problem: over {100 * rule.most_start_share:.0f} % of what the time budget "
                f"leaves, or over {100 * rule.most_own_share:g} % for one problem"
            )

    def _note_limits(self, tasks: Sequence[TrialTask], limits: Limits) -> None:
        """The reason of a backend that is given a part of the problems."""
        for (name, threads), keys in limits.items():
            own = sum((name, threads) in task.keys for task in tasks)
            self.reasons[name, threads] = (
                f"its fair share of the time budget was {len(keys)} of {own} problems: it takes "
                f"{self._passes.costs.of((name, threads)).untimed_s:.2g} s to prepare and check each"
            )


def _why_not_near(times: float | None, scouts: int) -> str:
    found = f"no time of it on any of {scouts} problems"
    if times is not None:
        found = f"at least {times:.3g} times slower than the best on each of {scouts} problems"
    return f"screened out: {found}; --full measures everybody everywhere"
