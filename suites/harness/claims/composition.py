"""A variant of a claim, made ready with one backend: steps that are run one after the other, each of them timed.

Patches, a ReLU apart and subsampling are NumPy, and a backend has arrays of its own: where one follows the other the
numbers cross by ``to_numpy`` and ``to_device``, which is timed as a step of its own. What that costs differs (nothing
where memory is shared, a copy elsewhere), so it is reported apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

import numpy as np

from pointwise_bench import Backend, Problem
from pointwise_bench.suites.claims import Patches, Relu, Variant
from pointwise_bench.suites.claims.patches import Array, Gather, packed
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs

CROSSING: Final = "crossing"


@dataclass
class TimedStep:
    """Something that is done to the current value. ``problem`` is the product that it is, or belongs to."""

    branch: str
    kind: str
    problem: str
    run: Callable[[Any], Any]
    seconds: float = 0.0  # since the last time that they were taken


@dataclass
class Branch:
    """A chain that was made ready; ``on_host`` tells whether its result is a NumPy array already."""

    name: str
    start: Any
    steps: list[TimedStep] = field(default_factory=list)
    on_host: bool = False
    result: Any = None


class Composition:
    """All branches of one variant. Making it calls every layer once."""

    def __init__(self, backend: Backend, threads: int, variant: Variant, inputs: ClaimInputs) -> None:
        self.variant = variant
        self._backend = backend
        self._threads = threads
        self._inputs = inputs
        self._sync: Callable[[], None] | None = None if type(backend).sync is Backend.sync else backend.sync
        self.branches = [self._compose(name) for name in variant.branches]

    def run(self) -> None:
        """All branches once, each step's seconds added to it."""
        for branch in self.branches:
            value = branch.start
            before = perf_counter()
            for step in branch.steps:
                value = step.run(value)
                now = perf_counter()
                step.seconds += now - before
                before = now
            branch.result = value

    def results(self) -> Iterator[tuple[str, Array]]:
        """Of the last run, by branch, as NumPy arrays."""
        for branch in self.branches:
            result = branch.result if branch.on_host else self._backend.to_numpy(branch.result)
            yield branch.name, np.asarray(result)

    def with_input(self, x: Array) -> None:
        """From now on compute with ``x``, which has the shape of the claim's own input."""
        for branch in self.branches:
            first = next(iter(self.variant.branches[branch.name]))
            branch.start = self._start(first, x)

    def take_seconds(self) -> list[tuple[TimedStep, float]]:
        """The seconds of every step since they were taken last."""
        taken = [(step, step.seconds) for branch in self.branches for step in branch.steps]
        for step, _ in taken:
            step.seconds = 0.0
        return taken

    # --- making it ready ------------------------------------------------------------------------------------

    def _start(self, first: Any, x: Array) -> Any:
        """What a chain begins with: a picture in NumPy for patches, the backend's own array for a product."""
        if isinstance(first, Patches):
            return x
        return self._backend.to_device(x.reshape(first.input_shape))

    def _compose(self, name: str) -> Branch:
        """Stage by stage, each run once on the result of the one before, which shows what kind of value it gets."""
        chain = self.variant.branches[name]
        keys = [key for key in self.variant.shapes_of_kernels() if key[0] == name]
        branch = Branch(name, self._start(chain[0], self._inputs.x))
        value, on_host = branch.start, isinstance(chain[0], Patches)
        after_product = False

        def add(kind: str, problem: str, run: Callable[[Any], Any]) -> None:
            nonlocal value
            branch.steps.append(TimedStep(name, kind, problem, run))
            value = run(value)

        for place, stage in enumerate(chain):
            if isinstance(stage, Problem):
                layer = self._layer(stage, packed(self._inputs.kernels[keys.pop(0)]))
                if on_host:
                    add(CROSSING, stage.id, self._backend.to_device)
                elif after_product and not self._takes(stage, value):
                    add(CROSSING, stage.id, self._by_way_of_the_host)
                add("product", stage.id, layer)
                on_host, after_product = False, True
                continue
            problem = _problem_beside(chain, place)
            if not on_host:
                add(CROSSING, problem, self._to_host)
            add(*_in_numpy(stage, problem))
            on_host, after_product = True, False
        branch.on_host, branch.result = on_host, value
        return branch

    def _layer(self, problem: Problem, weight: Array) -> Callable[[Any], Any]:
        layer = self._backend.prepare(problem, weight, None, self._threads)
        sync = self._sync
        if sync is None:
            return layer

        def finished(x: Any) -> Any:
            result = layer(x)
            sync()
            return result

        return finished

    def _takes(self, problem: Problem, value: Any) -> bool:
        """Whether a layer's result can be the next one's input as it is: of the kind and shape of such inputs."""
        sample = self._backend.to_device(np.zeros(problem.input_shape, problem.dtype))
        if type(sample) is not type(value):
            return False
        shapes = [tuple(getattr(each, "shape", ())) for each in (sample, value)]
        return shapes[0] == shapes[1] == problem.input_shape

    def _to_host(self, value: Any) -> Array:
        return np.ascontiguousarray(self._backend.to_numpy(value))

    def _by_way_of_the_host(self, value: Any) -> Any:
        return self._backend.to_device(self._to_host(value))


def _problem_beside(chain: tuple[Any, ...], place: int) -> str:
    """The product that a NumPy stage works for: the next one for patches, the one before for what follows it."""
    stage = chain[place]
    problem: Problem = chain[place + 1] if isinstance(stage, Patches) else stage.problem
    return problem.id


def _in_numpy(stage: Any, problem: str) -> tuple[str, str, Callable[[Array], Array]]:
    """Kind, problem and function of a stage that is the same for every backend, with a buffer that it reuses."""
    if isinstance(stage, Patches):
        return "patches", problem, Gather(stage)
    p = stage.problem
    if isinstance(stage, Relu):
        positive = np.empty(p.output_shape, p.dtype)
        return "relu", problem, lambda y: np.maximum(y, 0, out=positive)
    step = slice(None, None, stage.stride)
    steps = (slice(None),) * (2 if p.layout == "nchw" else 1) + (step, step)
    kept = np.empty(np.empty(p.output_shape, np.bool_)[steps].shape, p.dtype)

    def subsample(y: Array) -> Array:
        kept[...] = y[steps]
        return kept

    return "subsample", problem, subsample
