"""The claims of a run: their definitions, what they predict from problems alone, and what a backend showed of one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.backends.problem import ITEM_BYTES, Problem
from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.common.status import OK
from pointwise_bench.report.statistics.verdicts import Series

ReadStep = tuple[str, Problem]


@dataclass(frozen=True)
class Arithmetic:
    """Numbers that a way of computing writes as results, learns, multiplies and moves."""

    activations: int
    parameters: int
    macs: int
    bytes: int

    @classmethod
    def of(cls, steps: Iterable[ReadStep]) -> Arithmetic:
        """Sums over the products of ``steps``. A ReLU apart reads and writes every result once more, and no more.

        The patches of a k x k convolution are the input of its product, and are counted as that: each pixel k * k
        times.
        """
        known = list(steps)
        products = [problem for kind, problem in known if kind == "product"]
        again = sum(2 * _results(problem) * ITEM_BYTES[problem.dtype] for kind, problem in known if kind == "relu")
        return cls(
            activations=sum(map(_results, products)),
            parameters=sum(problem.parameters for problem in products),
            macs=sum(problem.macs for problem in products),
            bytes=sum(problem.min_bytes for problem in products) + again,
        )

    def __add__(self, other: Arithmetic) -> Arithmetic:
        return Arithmetic(*(mine + its for mine, its in zip(_fields(self), _fields(other), strict=True)))

    def over(self, other: Arithmetic) -> dict[str, float]:
        """How many times as much as ``other``, by measure."""
        names = ("activations", "parameters", "macs", "bytes")
        pairs = zip(names, _fields(self), _fields(other), strict=True)
        return {name: mine / its if its else math.nan for name, mine, its in pairs}


def _fields(one: Arithmetic) -> tuple[int, int, int, int]:
    return one.activations, one.parameters, one.macs, one.bytes


def _results(problem: Problem) -> int:
    return math.prod(problem.output_shape)


@dataclass(frozen=True)
class ReadVariant:
    """One way of computing: the steps of each of its branches from which something is predicted."""

    name: str
    branches: Mapping[str, tuple[ReadStep, ...]]

    def arithmetic(self, branch: str | None = None) -> Arithmetic:
        """Of one branch, or of all."""
        chosen = self.branches.values() if branch is None else (self.branches[branch],)
        return Arithmetic.of(step for steps in chosen for step in steps)

    def products(self, branch: str | None = None) -> list[Problem]:
        """The products of one branch, or of all."""
        chosen = self.branches.values() if branch is None else (self.branches[branch],)
        return [problem for steps in chosen for kind, problem in steps if kind == "product"]


@dataclass(frozen=True)
class ReadClaim:
    """``by``: the measure from which the gain in time is predicted."""

    name: str
    number: int
    says: str
    source: str
    total: str
    by: str
    variants: tuple[ReadVariant, ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ReadClaim:
        """From what ``claim_validation.read_claim`` read."""
        variants = tuple(
            ReadVariant(each["name"], {branch: tuple(steps) for branch, steps in each["branches"].items()})
            for each in values["variants"]
        )
        return cls(**{**values, "variants": variants})

    @property
    def baseline(self) -> ReadVariant:
        """What the others are measured against."""
        return self.variants[0]


@dataclass(frozen=True)
class ReadFinding:
    """What one backend showed of one claim with one thread budget. Times in seconds per call."""

    claim: ReadClaim
    backend: str
    threads: int
    status: str
    reason: str
    device: str
    output: str
    isolation: str
    process: NDArray[np.int64]
    samples: Mapping[str, NDArray[np.float64]]
    branches: Mapping[str, Mapping[str, NDArray[np.float64]]]
    steps_s: Mapping[str, Mapping[str, Mapping[str, float]]]
    smallest_call_s: float
    error_ratio: float

    @property
    def timed(self) -> bool:
        """Whether there is a time to show."""
        return self.status == OK

    @property
    def comparable(self) -> bool:
        """Whether its time may enter a ratio."""
        return self.timed and self.isolation != "in-process"

    def series(self, variant: str, branch: str | None = None) -> Series:
        """Rounds of a variant, or of one of its branches, with names and starts."""
        seconds = self.samples[variant] if branch is None else self.branches[variant][branch]
        return Series.of(seconds, round_names(self.process), self.process)


def round_names(process: NDArray[np.int64]) -> list[int]:
    """A name for each round: its start, counted, and its place there."""
    return [start * ROUNDS_APART + place for start, place in zip(*places(process), strict=True)]


def places(process: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """For each round the number of its start, counted from 0, and its place within it."""
    seen: dict[int, int] = {}
    counted: dict[int, int] = {}
    starts, places = [], []
    for number in process.tolist():
        starts.append(counted.setdefault(number, len(counted)))
        places.append(seen.get(number, 0))
        seen[number] = places[-1] + 1
    return starts, places
