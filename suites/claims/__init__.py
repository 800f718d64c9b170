"""What a 1x1 convolution buys: each claim of the texts as data, two or more ways of computing set side by side.

A claim says who is compared with whom; what it predicts follows from the problems (see ``report/claims``), and how
it is measured lives in :mod:`pointwise_bench.suites.harness`.
"""

from __future__ import annotations

from pointwise_bench.suites.claims.catalogue import CLAIMS, get
from pointwise_bench.suites.claims.claim import Claim, Variant
from pointwise_bench.suites.claims.stages import Patches, Relu, Stage, Subsample

__all__ = ["CLAIMS", "Claim", "Patches", "Relu", "Stage", "Subsample", "Variant", "get"]
