"""A small claim, the convolution by its definition, and a claim measured in this process: for the tests of claims."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from pointwise_bench.backends import Problem, registry
from pointwise_bench.suites.claims import Claim, Variant
from pointwise_bench.suites.claims.stages import convolution
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples, TimedClaim

# One that is NumPy, one with arrays of its own, one without any library; the first two on every stage there is.
BACKENDS = ("numpy-matmul", "torch-conv2d", "naive-loops")
SHAPES = list(product((1, 3, 5), ("nchw", "nhwc"), (1, 2)))


def naive(x: Any, kernel: Any, layout: str, stride: int) -> Any:
    """The definition, pixel by pixel in float64: no patches, no shifted pictures."""
    planes = (x if layout == "nchw" else x.transpose(0, 3, 1, 2)).astype(np.float64)
    _, channels, height, width = planes.shape
    kernels, _, size, _ = kernel.shape
    rows, columns = range(0, height, stride), range(0, width, stride)
    y = np.zeros((planes.shape[0], kernels, len(rows), len(columns)))
    for n, o, (i, row), (j, column) in product(
        range(planes.shape[0]), range(kernels), enumerate(rows), enumerate(columns)
    ):
        for a, b in product(range(size), range(size)):
            r, c = row + a - size // 2, column + b - size // 2
            if 0 <= r < height and 0 <= c < width:
                y[n, o, i, j] += math.fsum(
                    float(kernel[o, k, a, b]) * float(planes[n, k, r, c]) for k in range(channels)
                )
    return y if layout == "nchw" else y.transpose(0, 2, 3, 1)


def small_claim(size: int, layout: str, stride: int, *, exact: bool = False) -> Claim:
    """A k x k convolution directly, and behind a reduction; odd sides, so that no border is like another."""
    before = Problem(batch=2, in_channels=6, out_channels=3, height=7, width=5, layout=layout)  # type: ignore[arg-type]
    narrow = replace(before, in_channels=3)
    return Claim(
        "small",
        0,
        "",
        (
            Variant.chain("direct", *convolution(before, 4, size, stride)),
            Variant.chain("reduced", before, *convolution(narrow, 4, size, stride)),
        ),
        "",
        exact=exact,
    )


def measured(claim: Claim, backend: str, seed: int = 1) -> ClaimSamples:
    """The fewest rounds of the claim in this process. The test is skipped where the backend's library is not here."""
    if reason := registry.get(backend).missing():
        pytest.skip(reason)
    return TimedClaim(registry.get(backend), 1, ClaimInputs.of(claim, seed)).measure(0.0, seed)
