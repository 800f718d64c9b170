"""A correct backend whose calls take a while and no processor: a run of it leaves time to interrupt it."""

from __future__ import annotations

import time
from typing import Any

from pointwise_bench import Backend, Problem, register


@register
class Unhurried(Backend):
    """Rests before it computes."""

    name = "unhurried"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """The matrix product over each image's pixels, after five milliseconds."""
        import numpy as np

        def layer(x: Any) -> Any:
            time.sleep(0.005)
            return np.matmul(weight, x.reshape(problem.batch, problem.in_channels, -1)).reshape(problem.output_shape)

        return layer
