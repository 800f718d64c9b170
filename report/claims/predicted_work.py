"""The work of a way of computing, counted from its problems alone: what a claim's predictions are ratios of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pointwise_bench.backends.problem import ITEM_BYTES, Problem
from pointwise_bench.report.reading.claims import ReadStep, ReadVariant


@dataclass(frozen=True)
class Work:
    """Numbers that a way of computing writes as results, learns, multiplies and moves."""

    activations: int
    parameters: int
    macs: int
    bytes: int

    @classmethod
    def of_steps(cls, steps: Iterable[ReadStep]) -> Work:
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

    @classmethod
    def of_variant(cls, variant: ReadVariant, branch: str | None = None) -> Work:
        """Of one branch, or of all."""
        return cls.of_steps(variant.steps(branch))

    @classmethod
    def of_variants(cls, variants: Iterable[ReadVariant]) -> Work:
        """Of several together."""
        return cls.of_steps(step for variant in variants for step in variant.steps())

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Activations, parameters, multiply-adds and bytes, in this order."""
        return self.activations, self.parameters, self.macs, self.bytes

    def over(self, other: Work) -> dict[str, float]:
        """How many times as much as ``other``, by measure; NaN where the other is nothing."""
        names = ("activations", "parameters", "macs", "bytes")
        pairs = zip(names, self.counts, other.counts, strict=True)
        return {name: mine / its if its else math.nan for name, mine, its in pairs}


def _results(problem: Problem) -> int:
    return math.prod(problem.output_shape)
