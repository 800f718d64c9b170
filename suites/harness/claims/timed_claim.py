"""One backend and one claim, in whichever process it runs: composed, checked, timed in turns, checked again.

All variants of a claim take their turns in one process, which is woken once: nothing else runs between two turns, and
no turn pays for being woken. What is compared is one backend with itself.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from math import ceil
from random import Random
from time import perf_counter
from typing import Any, Final

import numpy as np

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.composition import Composition
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import orders
from pointwise_bench.suites.harness.machine.affinity import kept_to
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.cpu_time import cpu_seconds
from pointwise_bench.suites.harness.timing.process_statistics import no_garbage_collection

# Bound before any plugin is loaded, which could change the policy's own fields later.
TURN_S: Final = POLICY.claims.turn_s
LONG_S: Final = POLICY.claims.long_s
FEWEST_ROUNDS: Final = POLICY.claims.fewest_rounds
MOST_ROUNDS: Final = POLICY.claims.most_rounds
LONGEST_ROUND_S: Final = POLICY.claims.longest_round_s
SMALLEST_CALLS: Final = POLICY.claims.smallest_calls


@dataclass
class ClaimSamples:
    """What one start of a worker measured of one claim: ``refusal``, or times in seconds per call, one per round.

    ``steps_s``: by variant, branch and kind of step, medians over the rounds; ``branches_s`` only of those branches
    that are not the same in all variants.
    """

    refusal: str = ""
    calls: dict[str, int] = field(default_factory=dict)
    samples_s: dict[str, list[float]] = field(default_factory=dict)
    branches_s: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    steps_s: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    smallest_call_s: list[float] = field(default_factory=list)
    error_ratio: float | None = None
    cpu_over_wall: float = 0.0

    def written(self) -> dict[str, Any]:
        """As plain values, for a message between processes."""
        return asdict(self)

    @classmethod
    def read(cls, values: Any, claim: Claim) -> ClaimSamples:
        """What :meth:`written` wrote. ``ValueError`` for anything else: the process may have been garbled."""
        if not isinstance(values, dict) or values.keys() != asdict(cls()).keys():
            raise ValueError(f"{values!r}")
        measured = cls(**values)
        names = {variant.name for variant in claim.variants}
        if not isinstance(measured.refusal, str) or not isinstance(measured.cpu_over_wall, int | float):
            raise ValueError(f"{values!r}")
        if not measured.refusal and not (
            measured.samples_s.keys() == measured.steps_s.keys() == measured.calls.keys() == names
        ):
            raise ValueError(f"{values!r}")
        return measured


class TimedClaim:
    """One claim with one backend and thread budget."""

    def __init__(self, backend: Backend, threads: int, inputs: ClaimInputs) -> None:
        self._backend = backend
        self._threads = threads
        self._inputs = inputs
        self._claim = inputs.claim
        self._error_ratio: float | None = None

    def measure(self, seconds: float, seed: int, cores: list[int] | None = None) -> ClaimSamples:
        """Check all variants and time them; as many rounds as fit into ``seconds`` after the checks, within limits.

        ``WrongAnswer`` where a result is wrong, anything from the backend.
        """
        if (reason := self._refusal()) is not None:
            return ClaimSamples(refusal=reason)
        began = perf_counter()
        with kept_to(cores, started=True):
            compositions = {
                variant.name: Composition(self._backend, self._threads, variant, self._inputs)
                for variant in self._claim.variants
            }
            for composition in compositions.values():
                self._check(composition, "before the timing")
            if self._claim.local:
                self._check_local(compositions[self._claim.variants[-1].name])
            speeds = {name: _seconds_of(composition) for name, composition in compositions.items()}
            if (round_s := sum(speeds.values())) > LONGEST_ROUND_S:
                return ClaimSamples(
                    refusal=f"one round of all variants takes {round_s:.2g} s; over {LONGEST_ROUND_S:g} s none is timed"
                )
            rng = Random(seed)  # noqa: S311  # shuffles, keeps no secret
            measured = self._time(compositions, speeds, seconds - (perf_counter() - began), rng)
            for composition in compositions.values():
                self._check(composition, "in the last timed call")
        measured.error_ratio = self._error_ratio
        return measured

    # --- before and after the timing ------------------------------------------------------------------------

    def _refusal(self) -> str | None:
        for variant in self._claim.variants:
            for problem in variant.problems:
                if reason := self._backend.refuses(problem):
                    return f"{variant.name}, {problem.id}: {reason}"
        return None

    def _check(self, composition: Composition, when: str) -> None:
        """The results of the last run against the reference."""
        variant = composition.variant.name
        several = len(composition.branches) > 1
        for branch, result in composition.results():
            answer = self._inputs.answers[variant, branch]
            where = f"{self._claim.name}, {variant}{', branch ' + branch if several else ''}, {when}"
            if result.shape != answer.shape:
                raise WrongAnswer(f"{where}: the result has shape {result.shape}, not {answer.shape}")
            allowed = self._inputs.allowed[variant, branch]
            if allowed is None:
                self._check_exact(result, answer, where)
            else:
                self._check_close(result, answer, allowed, where)

    def _check_exact(self, result: Any, answer: Any, where: str) -> None:
        wrong = int(np.count_nonzero(~(result == answer)))
        if wrong:
            raise WrongAnswer(f"{where}: {wrong} of {answer.size} whole numbers are not those of the reference")

    def _check_close(self, result: Any, answer: Any, allowed: Any, where: str) -> None:
        ratio = float(np.max(np.abs(result - answer) / allowed, initial=0.0))
        if not ratio <= 1:  # NaN is not either
            raise WrongAnswer(f"{where}: an error of {ratio:.3g} times what correct arithmetic may make", ratio)
        self._error_ratio = max(ratio, self._error_ratio or 0.0)

    def _check_local(self, composition: Composition) -> None:
        """One pixel is changed: the same pixel of the result must change, and no other."""
        layout = self._claim.input_problem.layout
        ((_, whole),) = list(composition.results())
        before = np.array(whole)
        changed = np.array(self._inputs.x)
        row, column = (side // 2 for side in _sides(changed, layout))
        pixel = (..., row, column) if layout == "nchw" else (slice(None), row, column)
        changed[pixel] += 1
        composition.with_input(changed)
        composition.run()
        ((_, after),) = list(composition.results())
        different = np.any(before != after, axis=1 if layout == "nchw" else 3)[0]
        composition.with_input(self._inputs.x)
        composition.run()
        if not different[row, column] or np.count_nonzero(different) != 1:
            raise WrongAnswer(
                f"{self._claim.name}: changing pixel ({row}, {column}) changes {np.count_nonzero(different)} pixels "
                f"of the result, not that one alone"
            )

    # --- timing ---------------------------------------------------------------------------------------------

    def _time(
        self, compositions: dict[str, Composition], speeds: dict[str, float], seconds: float, rng: Random
    ) -> ClaimSamples:
        """Rounds in which every variant has one turn, in an order that is balanced and shuffled.

        Their number and the calls of a turn are fixed before the first, from the speed of a single call.
        """
        names = sorted(compositions)
        calls = {name: max(1, ceil(TURN_S / max(speeds[name], 1e-7))) for name in names}
        round_s = sum((calls[name] + (speeds[name] < LONG_S)) * speeds[name] for name in names)
        rounds = min(MOST_ROUNDS, max(FEWEST_ROUNDS, int(seconds / round_s)))
        smallest = self._smallest()
        measured = ClaimSamples(calls=calls, samples_s={name: [] for name in names})
        taken: dict[str, list[list[float]]] = {name: [] for name in names}
        with no_garbage_collection():
            began, cpu_began = perf_counter(), cpu_seconds()
            for order in orders(names, rounds, rng):
                for name in order:
                    taken[name].append(_turn(compositions[name], calls[name], warm=speeds[name] < LONG_S))
                    measured.samples_s[name].append(sum(taken[name][-1]))
                if smallest is not None:
                    measured.smallest_call_s.append(smallest.seconds_per_call())
            measured.cpu_over_wall = (cpu_seconds() - cpu_began) / (perf_counter() - began)
        for name, composition in compositions.items():
            _add_steps(measured, composition, taken[name], self._claim.alike)
        return measured

    def _smallest(self) -> _Smallest | None:
        """The smallest problem there is: what a call costs before any arithmetic; None where it is refused."""
        problem = Problem(batch=1, in_channels=1, out_channels=1, height=1, width=1)
        if self._backend.refuses(problem):
            return None
        return _Smallest(self._backend, self._threads, problem)


class _Smallest:
    """A layer of one multiplication."""

    def __init__(self, backend: Backend, threads: int, problem: Problem) -> None:
        self._layer = backend.prepare(problem, np.ones((1, 1), np.float32), None, threads)
        self._x = backend.to_device(np.ones(problem.input_shape, np.float32))
        self._sync = backend.sync
        self.seconds_per_call()

    def seconds_per_call(self) -> float:
        """The mean of some calls."""
        began = perf_counter()
        for _ in range(SMALLEST_CALLS):
            self._layer(self._x)
            self._sync()
        return (perf_counter() - began) / SMALLEST_CALLS


def _turn(composition: Composition, calls: int, *, warm: bool) -> list[float]:
    """Seconds per call of every step, over all branches in order."""
    if warm:
        composition.run()
        composition.take_seconds()
    for _ in range(calls):
        composition.run()
    return [seconds / calls for _, seconds in composition.take_seconds()]


def _add_steps(measured: ClaimSamples, composition: Composition, turns: list[list[float]], alike: set[str]) -> None:
    """Seconds by branch and kind of step, and round by round of the branches that are not ``alike`` everywhere."""
    name = composition.variant.name
    steps = [step for branch in composition.branches for step in branch.steps]
    by_step = list(zip(*turns, strict=True))
    measured.steps_s[name] = {branch.name: {} for branch in composition.branches}
    for step, seconds in zip(steps, by_step, strict=True):
        kinds = measured.steps_s[name][step.branch]
        kinds[step.kind] = kinds.get(step.kind, 0.0) + statistics.median(seconds)
    measured.branches_s[name] = {
        branch.name: [
            sum(seconds for step, seconds in zip(steps, turn, strict=True) if step.branch == branch.name)
            for turn in turns
        ]
        for branch in composition.branches
        if len(composition.branches) > 1 and branch.name not in alike
    }


def _seconds_of(composition: Composition) -> float:
    """Seconds of one run, the first after the one that compiled."""
    composition.take_seconds()
    composition.run()
    return sum(seconds for _, seconds in composition.take_seconds())


def _sides(x: Any, layout: str) -> tuple[int, int]:
    return (x.shape[2], x.shape[3]) if layout == "nchw" else (x.shape[1], x.shape[2])
