"""A correct backend that takes small layers only: what it takes is quick on a busy machine, too."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Backend, Problem, register

MOST_MACS = 2**21


@register
class RefusesLarge(Backend):
    """The matrix product over all pixels, of a few million multiply-adds at most."""

    name = "refuses-large"

    def refuses(self, problem: Problem) -> str | None:
        """Other forms than the simplest, and whatever is large."""
        large = f"is predicted to need over {MOST_MACS} multiply-adds" if problem.macs > MOST_MACS else None
        simple = problem.stride == problem.groups == 1 and problem.layout == "nhwc" and not problem.bias
        return super().refuses(problem) or large or (None if simple else "takes the simplest form only")

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """Nothing to prepare."""
        import numpy as np

        def layer(x: Any) -> Any:
            y = np.matmul(x.reshape(-1, problem.in_channels), weight.T).reshape(problem.output_shape)
            return np.maximum(y, 0) if problem.activation == "relu" else y

        return layer
