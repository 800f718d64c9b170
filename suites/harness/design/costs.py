"""What backends cost beside their timed turns: learnt while a run measures, and foreseen for what is still to come."""

from __future__ import annotations

import statistics
import tomllib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design.answering import answering_at_once
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import turn_s

CostKey = tuple[str, int]  # a backend's name and a thread budget


@cache
def _usual_costs() -> dict[str, dict[str, float]]:
    with Path(__file__).with_name("usual_costs.toml").open("rb") as file:
        return tomllib.load(file)


@dataclass(frozen=True)
class Costs:
    """One backend with one thread budget. Seconds of wall time; ``problems`` have been measured.

    ``start_s`` of a worker, ``first_s`` beyond the usual on its first problem in a run, ``again_s`` the same in a later
    start of that run, which finds compiled what the first has, ``untimed_s`` of the steps of a tiny problem that run
    beside others (:func:`size_factor` times as much on a larger one), ``alone_s`` of those that have the machine to
    themselves, both of these without their calls. ``multiply_adds`` in ``calls_s`` are the work and the time of single
    calls, added up, a moment at the usual speed first: so the speed is that of large problems, whose turns are long.
    ``usable``: nothing was missing.
    """

    start_s: float
    first_s: float
    again_s: float
    untimed_s: float
    alone_s: float
    multiply_adds: float
    calls_s: float
    problems: int = 0
    usable: bool = True

    @classmethod
    def usual(cls, backend: str = "") -> Costs:
        """What is assumed of a backend that was never measured on this machine: see ``usual_costs.toml``."""
        rule, own = POLICY.costs, _usual_costs().get(backend, {})
        first_s = own.get("first_s", rule.first_s)
        return cls(
            start_s=own.get("start_s", rule.start_s),
            first_s=first_s,
            again_s=min(first_s, rule.again_s),
            untimed_s=own.get("untimed_s", rule.untimed_s),
            alone_s=own.get("alone_s", rule.alone_s),
            multiply_adds=rule.multiply_adds_per_s,
            calls_s=1.0,
        )

    @property
    def multiply_adds_per_s(self) -> float:
        """The speed."""
        return self.multiply_adds / self.calls_s

    def seconds_per_call(self, problem: Problem) -> float:
        """Foreseen, from the multiply-adds alone."""
        return problem.macs / self.multiply_adds_per_s

    def untimed_on(self, problem: Problem) -> float:
        """Seconds of the steps beside others, of which the gate's calls are a part: of slow loops the largest."""
        return self.untimed_s * size_factor(problem) + POLICY.costs.untimed_calls * self.seconds_per_call(problem)

    def alone_on(self, problem: Problem) -> float:
        """Seconds of the steps that have the machine to themselves, the warm-up's calls above all."""
        return self.alone_s + POLICY.costs.alone_calls * self.seconds_per_call(problem)


def size_factor(problem: Problem) -> float:
    """How many times what a tiny problem takes its preparing and checking takes: they go through all of its arrays.

    Seen with sixteen backends on two cores: 0.85 s for 0.7 MiB, 1.4 s for 2.1 MiB, 2.9 s for 4.0 MiB.
    """
    return 1.0 + problem.min_bytes / 2**20


@dataclass(frozen=True)
class TrialCosts:
    """What one trial took of one backend: seconds beside others, seconds alone, and its seconds per call, if timed."""

    untimed_s: float
    alone_s: float
    seconds_per_call: float | None


class CostBook:
    """The costs of all backends on this machine, from earlier runs and from this one."""

    def __init__(
        self, known: Mapping[CostKey, Costs] | None = None, at_once: int = 1, took_of_foreseen: float | None = None
    ) -> None:
        """``at_once``: how many workers start beside each other; they answer by :func:`answering_at_once`.

        ``took_of_foreseen``: what trials took of what was foreseen for them. Who is asked beside others waits for them,
        too, and how much of that is counted twice is known from the whole only.
        """
        self.at_once = at_once
        took = POLICY.costs.took_of_foreseen if took_of_foreseen is None else took_of_foreseen
        self._took = deque([took] * POLICY.costs.counts_as, maxlen=POLICY.costs.remembered)  # of what was foreseen
        self.started: set[CostKey] = set()
        """Whose workers run: their start is paid for."""
        self.warm: set[CostKey] = set()
        """Whose workers have been through their first problem: that is paid for, too."""
        self._met: set[CostKey] = set()  # who had a first problem in this run
        self.refused: set[tuple[CostKey, Problem]] = set()
        """Who has refused which problems: there it costs nothing."""
        self.problem_s = POLICY.costs.problem_s
        """What a tiny problem takes beside its backends: its cases and their answers, a larger one more by its size."""
        self._problems = POLICY.costs.counts_as
        self._costs: dict[CostKey, Costs] = dict(known or {})

    def of(self, key: CostKey) -> Costs:
        """What is known of the backend by now."""
        return self._costs.get(key) or Costs.usual(key[0])

    def known(self) -> dict[CostKey, Costs]:
        """All that was measured, now or in earlier runs."""
        return dict(self._costs)

    def known_seconds(self, problem: Problem, threads: int, backends: Iterable[str]) -> dict[str, float]:
        """Seconds per call, foreseen by what other problems took; of those who have been measured on a few."""
        known = {name: self.of((name, threads)) for name in backends}
        least = POLICY.costs.known_after
        return {name: one.seconds_per_call(problem) for name, one in known.items() if one.problems >= least}

    def suppose(self, key: CostKey, like: CostKey) -> None:
        """Take the costs of one backend for those of another."""
        self._costs[key] = self.of(like)

    # --- learning -------------------------------------------------------------------------------------------

    def note_starts(self, seconds: Mapping[CostKey, float], wall_s: float) -> None:
        """Workers that were started beside each other: each one's share of the ``wall_s`` that all of them took."""
        total = sum(seconds.values())
        self.started |= seconds.keys()
        for key, own_s in seconds.items():
            share_s = wall_s * own_s / total if total else 0.0
            start_s = self._believed_s(key, share_s, self.of(key).start_s)
            self._costs[key] = replace(self.of(key), start_s=start_s, usable=True)

    def note_restart(self) -> None:
        """All workers have ended."""
        self.started.clear()
        self.warm.clear()

    def note_missing(self, key: CostKey) -> None:
        """The backend lacks something here, and costs a start at most."""
        self._costs[key] = replace(self.of(key), usable=False)

    def note_trial(self, problem: Problem, seen: Mapping[CostKey, TrialCosts], first: Iterable[CostKey]) -> None:
        """One trial's costs; ``first`` are those whose worker had its first problem there."""
        fresh = set(first)
        self.warm |= seen.keys()
        for key, one in seen.items():
            old = self.of(key)
            if key in fresh:
                usual_s = old.untimed_on(problem) + old.alone_on(problem)
                beyond_s = max(0.0, one.untimed_s + one.alone_s - usual_s)
                if key in self._met:
                    self._costs[key] = replace(old, again_s=beyond_s)
                else:
                    self._costs[key] = replace(old, first_s=self._believed_s(key, beyond_s, old.first_s))
                self._met.add(key)
            else:
                self._costs[key] = _learnt(old, one, problem)

    def _believed_s(self, key: CostKey, seen_s: float, known_s: float) -> float:
        """What is learnt of a start: beside a plugin that forks without end, NumPy's first problem took seconds.

        The next run of a few seconds had left NumPy out for it. Who was never measured anywhere may take any time.
        """
        if key[0] not in _usual_costs() and not self.of(key).problems:
            return seen_s
        return min(seen_s, POLICY.costs.most_beyond * known_s + POLICY.costs.least_start_s)

    @property
    def took_of_foreseen(self) -> float:
        """What trials took of what was foreseen for them as a rule, between a half and twice as much.

        The median: of sums, a few large problems on which some still compile decide for all small ones behind them.
        """
        return min(2.0, max(0.5, statistics.median(self._took)))

    def note_foreseen(self, foreseen_s: float, taken_s: float) -> None:
        """What a trial of warm workers was foreseen to take, and what it took."""
        self._took.append(taken_s / foreseen_s * self.took_of_foreseen)

    def note_problem(self, problem: Problem, seconds: float, threads: int, seen: Iterable[TrialCosts]) -> None:
        """What a trial took beside its turns, ``seconds``, of which its backends' own steps are taken off."""
        each = list(seen)
        own_s = self._answering_s([one.untimed_s for one in each], threads) + sum(one.alone_s for one in each)
        self._problems += 1
        self.problem_s += (max(0.0, seconds - own_s) / size_factor(problem) - self.problem_s) / self._problems

    # --- foreseeing -----------------------------------------------------------------------------------------

    def trial_s(self, problem: Problem, threads: int, rounds: Mapping[str, int]) -> float:
        """Of one trial in which each backend takes part in so many rounds, its workers being warm."""
        asked = [name for name in rounds if ((name, threads), problem) not in self.refused]
        costs = {name: self.of((name, threads)) for name in asked}
        untimed = [one.untimed_on(problem) for one in costs.values()]
        timed_s = sum(rounds[name] * turn_s(one.seconds_per_call(problem)) for name, one in costs.items())
        alone_s = sum(one.alone_on(problem) for one in costs.values())
        cases_s = self.problem_s * size_factor(problem)
        return self.took_of_foreseen * (cases_s + self._answering_s(untimed, threads) + alone_s + timed_s)

    def own_s(self, key: CostKey, problem: Problem, rounds: int) -> float:
        """What one backend adds to a trial; nothing where it refuses the problem."""
        if (key, problem) in self.refused:
            return 0.0
        one = self.of(key)
        untimed_s = one.untimed_on(problem) / answering_at_once(self.at_once, key[1])
        return untimed_s + one.alone_on(problem) + rounds * turn_s(one.seconds_per_call(problem))

    def starts_s(self, keys: Iterable[CostKey], *, anew: bool = False) -> float:
        """Of starting workers beside each other, first problems included; those that run already, unless ``anew``."""
        each = list(dict.fromkeys(keys))
        starting = [self.of(key).start_s for key in each if anew or key not in self.started]
        cold = [(key in self._met, self.of(key)) for key in each if anew or key not in self.warm]
        first = [one.again_s if met else one.first_s for met, one in cold]
        return sum(starting) + _beside(first, self.at_once)

    def _answering_s(self, seconds: list[float], threads: int) -> float:
        return _beside(seconds, answering_at_once(self.at_once, threads))


def _beside(seconds: list[float], at_once: int) -> float:
    return max(max(seconds, default=0.0), sum(seconds) / at_once)


def _learnt(old: Costs, seen: TrialCosts, problem: Problem) -> Costs:
    """The mean over problems, of which the last few dozen count: a machine does not stay as it was.

    What takes many times as long as foreseen counts for less: some compile a kernel for each element type, layout and
    activation, and one of them would be foreseen on every problem behind it.
    """
    rule, call_s = POLICY.costs, seen.seconds_per_call or 0.0
    untimed_s = max(0.0, seen.untimed_s - rule.untimed_calls * call_s) / size_factor(problem)
    alone_s = max(0.0, seen.alone_s - rule.alone_calls * call_s)
    if old.problems:
        untimed_s = min(untimed_s, rule.most_beyond * old.untimed_s + rule.least_cost_s)
    weight = 1 / (min(old.problems, POLICY.costs.remembered) + 1 + (POLICY.costs.counts_as if not old.problems else 0))
    work, seconds = old.multiply_adds, old.calls_s
    if seen.seconds_per_call:
        kept = (1 - weight) if old.problems else rule.multiply_adds_of_s
        work, seconds = kept * work + problem.macs, kept * seconds + seen.seconds_per_call
    return replace(
        old,
        untimed_s=old.untimed_s + weight * (untimed_s - old.untimed_s),
        alone_s=old.alone_s + weight * (alone_s - old.alone_s),
        multiply_adds=work,
        calls_s=seconds,
        problems=old.problems + 1,
    )


def written(costs: Mapping[CostKey, Costs]) -> list[dict[str, Any]]:
    """As plain values, for a file."""
    return [{"backend": name, "threads": threads} | asdict(one) for (name, threads), one in sorted(costs.items())]


def read(lines: Iterable[Any]) -> dict[CostKey, Costs]:
    """The costs in ``lines``, as :func:`written` made them; what is not of that form is left out, and learnt anew."""
    found: dict[CostKey, Costs] = {}
    for line in lines:
        if not isinstance(line, dict) or line.keys() != _FIELDS | {"backend", "threads"}:
            continue
        values = {name: line[name] for name in _FIELDS}
        key, usable = (line["backend"], line["threads"]), values.pop("usable")
        if (
            isinstance(key[0], str)
            and type(key[1]) is int
            and usable in (True, False)
            and all(map(_is_cost, values.values()))
        ):
            found[key] = Costs(**values, usable=bool(usable))
    return found


_FIELDS = frozenset(each.name for each in fields(Costs))


def _is_cost(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value) and value >= 0
