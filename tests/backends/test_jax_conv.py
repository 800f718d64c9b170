"""Which convolutions XLA widens over all channels, so that NaN spreads from one group into another."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Final

import pytest
from places import ROOT

from pointwise_bench import Problem
from pointwise_bench.backends import registry

WIDENED: Final = {
    "n1c4h2w2-o16-g4-float64": True,
    "n1c8h2w2-o16-g4-float64": False,
    "n1c4h2w2-o16-g4": False,
    "n2c16h3w2-o4-g4-float64-nhwc-backward-input": True,
    "n2c16h3w2-o16-g4-float64-nhwc-backward-input": False,
    "n1c4h2w2-o16-g4-float64-backward-input": False,
    "n2c16h3w2-o4-g4-nhwc-backward-input": False,
}
"""A group for each channel that the convolution is given: for a gradient of the input, of the output's."""

SPREADS: Final = """
import sys
import numpy as np
from pointwise_bench import Problem
from pointwise_bench.backends import registry

backend = registry.get("jax-conv")
for text in sys.argv[1:]:
    problem = Problem.parse(text)
    axis = 1 if problem.layout == "nchw" else 3
    given = np.ones(problem.input_shape if problem.direction == "forward" else problem.output_shape, problem.dtype)
    np.moveaxis(given, axis, 0)[0] = np.nan
    layer = backend.prepare(problem, np.ones(problem.weight_shape, problem.dtype), None, 1)
    result = np.asarray(backend.to_numpy(layer(backend.to_device(given))))
    print(int(np.isnan(np.moveaxis(result, axis, 0)[-1]).any()))
"""


def test_it_refuses_where_nan_spreads_from_group_to_group_and_nowhere_else() -> None:
    backend = registry.get("jax-conv")
    assert {text: backend.refuses(Problem.parse(text)) is not None for text in WIDENED} == WIDENED


@pytest.mark.skipif(find_spec("jax") is None, reason="needs jax")
def test_nan_in_the_first_channel_spreads_into_the_last_group_there() -> None:
    """In a process of its own: JAX warns of every fork of one in which it has been imported."""
    done = subprocess.run(
        [sys.executable, "-c", SPREADS, *WIDENED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert dict(zip(WIDENED, map(bool, map(int, done.stdout.split())), strict=True)) == WIDENED
