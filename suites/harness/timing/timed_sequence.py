"""All layers of a network in one pass against each of them alone, in one worker: what a pass takes over their sum.

A run calls each layer again and again, so that its weights and its input stay in the caches. In a forward pass every
layer comes once, with weights and an input of its own. How much longer that takes depends on the processor's caches as
on the backend: a ratio of another machine was beyond its interval here, so each run measures its own.

Each round has both, in an order that is drawn: *alone*, every distinct layer for a turn, times how often it occurs; and
*in sequence*, one pass over all layers as they occur, behind another pass. No result is looked at: these backends have
passed the gate on each of these layers, and no verdict rests on what is measured here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from time import perf_counter  # bound before any plugin is loaded, which can replace time's own later
from typing import Any, Final

import ml_dtypes  # noqa: F401  # tells NumPy the name bfloat16
import numpy as np

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.affinity import kept_to
from pointwise_bench.suites.harness.memory.guarded_arrays import Array, Input, Inputs
from pointwise_bench.suites.harness.timing.clock import call, sync_of
from pointwise_bench.suites.harness.timing.process_statistics import no_garbage_collection

# Bound before any plugin is loaded, which could change the policy's own fields later.
TURN_S: Final = POLICY.sequence.turn_s
FEWEST_ROUNDS: Final = POLICY.sequence.fewest_rounds
MOST_ROUNDS: Final = POLICY.sequence.most_rounds

Call = Callable[[], Any]
Layers = Sequence[tuple[Problem, int]]
"""Of a network, each with how often it occurs."""


@dataclass(frozen=True)
class SequenceSamples:
    """Seconds of all layers, one for each round; or ``refusal``, why there are none."""

    refusal: str = ""
    alone_s: list[float] = field(default_factory=list)
    sequence_s: list[float] = field(default_factory=list)

    def written(self) -> dict[str, Any]:
        """As plain values, for a message between processes."""
        return asdict(self)


class TimedSequence:
    """The layers of one network, on one backend with one thread budget."""

    def __init__(self, backend: Backend, threads: int, layers: Layers) -> None:
        self._backend = backend
        self._threads = threads
        self._layers = layers
        self._sync = sync_of(backend)

    def measure(self, seconds: float, seed: int, cores: list[int] | None = None) -> SequenceSamples:
        """As many rounds as fit into ``seconds``, preparing included; anything from the backend."""
        ends, rng = perf_counter() + seconds, np.random.default_rng(seed)
        with kept_to(cores, started=True):
            occurrences: list[list[Call]] = []
            for problem, count in self._layers:
                occurrences.append([])
                for _ in range(count):
                    if perf_counter() > ends:
                        return SequenceSamples(f"preparing its layers takes longer than the {seconds:.2g} s for it")
                    occurrences[-1].append(self._occurrence(problem, rng))
            return self._timed(occurrences, ends, rng)

    def _occurrence(self, problem: Problem, rng: np.random.Generator) -> Call:
        """A call of a layer that is prepared with weights of its own, on an input of its own."""

        def drawn(shape: tuple[int, ...]) -> Array:
            numbers: Array = (rng.random(shape, np.float32) - np.float32(0.5)).astype(problem.dtype)
            return numbers

        weight = Input(drawn(problem.weight_shape)).array
        bias = Input(drawn((problem.out_channels,))).array if problem.bias else None
        layer, sync = self._backend.prepare(problem, weight, bias, self._threads), self._sync
        inputs = Inputs(tuple(drawn(shape) for shape in problem.input_shapes))
        x = tuple(self._backend.to_device(each) for each in inputs.arrays)
        # The inputs' memory is held here: a backend need not hold what it made of it.
        return lambda inputs=inputs: call(layer, sync, x)  # type: ignore[misc]

    def _timed(self, occurrences: list[list[Call]], ends: float, rng: np.random.Generator) -> SequenceSamples:
        """Rounds, as many as are foreseen to fit, fewer where they take longer; the calls of a turn are fixed before.

        What is foreseen is by the quicker of two: of a disturbed pass no number of rounds would seem to fit.
        """
        whole = [each for calls in occurrences for each in calls]
        _seconds(whole)  # compiles what is compiled on the first call
        pass_s = min(_seconds(whole), _seconds(whole))
        speeds = [min(_seconds(calls[:1]), _seconds(calls[:1])) for calls in occurrences]
        turns = [max(1, ceil(TURN_S / one_s)) for one_s in speeds]
        round_s = 2 * pass_s + sum((1 + turn) * one_s for turn, one_s in zip(turns, speeds, strict=True))
        left_s = ends - perf_counter()
        rounds = min(MOST_ROUNDS, int(left_s / round_s))
        if rounds < FEWEST_ROUNDS:
            return SequenceSamples(
                f"a round takes {round_s:.2g} s, and {max(0.0, left_s):.2g} s are left for {FEWEST_ROUNDS} of them"
            )
        samples = SequenceSamples()
        ways = {
            "alone": lambda: samples.alone_s.append(_alone_s(occurrences, turns)),
            "sequence": lambda: samples.sequence_s.append(_sequence_s(whole)),
        }
        with no_garbage_collection():
            for number in range(rounds):
                if number >= FEWEST_ROUNDS and perf_counter() > ends:
                    break
                for way in rng.permutation(list(ways)):
                    ways[way]()
        return samples


def _alone_s(occurrences: Sequence[Sequence[Call]], turns: Sequence[int]) -> float:
    """Seconds of all occurrences, each taken for the first of its layer: called again and again on one input."""
    total_s = 0.0
    for calls, turn in zip(occurrences, turns, strict=True):
        calls[0]()
        total_s += len(calls) * _seconds([calls[0]] * turn) / turn
    return total_s


def _sequence_s(whole: Sequence[Call]) -> float:
    """Seconds of the second of two passes."""
    _seconds(whole)
    return _seconds(whole)


def _seconds(calls: Sequence[Call]) -> float:
    began = perf_counter()
    for each in calls:
        each()
    return max(perf_counter() - began, 1e-9)
