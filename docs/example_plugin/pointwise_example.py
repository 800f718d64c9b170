"""A whole backend: ``np.tensordot`` over the channels."""

from typing import Any

from pointwise_bench import Backend, Layer, Problem, register


@register
class Tensordot(Backend):
    """Sums over the channels in one call; without groups, which it has no way to say."""

    name = "example-tensordot"

    def refuses(self, problem: Problem) -> str | None:
        """Whatever the default refuses, and groups."""
        return super().refuses(problem) or ("has no groups" if problem.groups > 1 else None)

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        """Untimed: everything that an application does once per layer. Returns what is timed."""
        import numpy as np  # in here, so that listing backends stays instant

        channels = 1 if problem.layout == "nchw" else 3
        every = slice(None, None, problem.stride)
        pixels = (slice(None), slice(None), every, every) if channels == 1 else (slice(None), every, every)

        def layer(x: Any) -> Any:
            y = np.tensordot(x[pixels], weight, axes=(channels, 1))  # the new axis of output channels comes last
            if bias is not None:
                y += bias
            if problem.activation == "relu":
                y = np.maximum(y, 0)
            return np.ascontiguousarray(y.transpose(0, 3, 1, 2)) if channels == 1 else y

        return layer
