"""What all layers of a network are expected to take in one forward pass, from what each takes alone.

A run calls each layer again and again, so that its weights and its input stay in the caches. In a pass every layer
comes once, with weights of its own.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from pointwise_bench.report.analysis.network_totals import Ratio, Total

FOUND: Final = {
    ("resnet50_v1.5", "numba-microkernel"): Ratio(1.08, 0.98, 1.18),
    ("resnet50_v1.5", "openvino"): Ratio(1.08, 1.03, 1.15),
    ("resnet50_v1.5", "torch-conv2d"): Ratio(1.02, 1.00, 1.10),
    ("resnet50_v1.5", "numpy-matmul"): Ratio(1.06, 0.99, 1.10),
    ("mobilenet_v2", "numba-microkernel"): Ratio(1.20, 1.16, 1.25),
    ("mobilenet_v2", "openvino"): Ratio(1.36, 1.32, 1.40),
    ("mobilenet_v2", "torch-conv2d"): Ratio(1.10, 1.02, 1.17),
    ("mobilenet_v2", "numpy-matmul"): Ratio(1.16, 1.12, 1.25),
    ("googlenet", "numba-microkernel"): Ratio(1.12, 1.09, 1.18),
    ("googlenet", "openvino"): Ratio(1.33, 1.31, 1.35),
    ("googlenet", "torch-conv2d"): Ratio(1.03, 0.97, 1.11),
    ("googlenet", "numpy-matmul"): Ratio(1.12, 1.10, 1.29),
}
"""The sequence over the sum of the layers alone, by network and backend, as docs/experiments/sum_of_layers.py found it
on one machine; METHODOLOGY has the table."""


class InSequence(NamedTuple):
    """Seconds of all layers in one pass, and between which they may lie."""

    seconds: float
    low: float
    high: float


def factor() -> Ratio:
    """The geometric mean of what was found, and the ends of all intervals: of another network less is not known.

    Not of the backend's own rows alone: three networks on one machine say little of a fourth on another.
    """
    mean = math.exp(sum(math.log(one.ratio) for one in FOUND.values()) / len(FOUND))
    return Ratio(mean, min(one.low for one in FOUND.values()), max(one.high for one in FOUND.values()))


def in_sequence(total: Total) -> InSequence:
    """Of a total of layers alone on the processor, with hot caches."""
    over = factor()
    return InSequence(total.seconds * over.ratio, total.low * over.low, total.high * over.high)
