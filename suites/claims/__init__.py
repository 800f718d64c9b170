"""What a 1x1 convolution is good for: the claims of the literature as data, each with the ways that it compares.

What a claim predicts follows from its problems (see ``report/claims``); :mod:`pointwise_bench.suites.harness` measures
it. Imports the problem of ``backends``, and NumPy for patches.
"""

from __future__ import annotations

from pointwise_bench.suites.claims.catalogue import CLAIMS, get
from pointwise_bench.suites.claims.claim import Claim, Variant
from pointwise_bench.suites.claims.stages import Patches, Relu, Stage, Subsample

__all__ = ["CLAIMS", "Claim", "Patches", "Relu", "Stage", "Subsample", "Variant", "get"]
