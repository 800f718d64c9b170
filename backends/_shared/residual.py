"""A residual for layers whose library adds none within the product: behind it, in place, before the activation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem


def added_behind(
    p: Problem,
    sums: Callable[[Problem], Layer],
    add: Callable[[Any, Any], Any],
    activate: Callable[[Any], Any] | None,
) -> Layer:
    """``layer(x, residual)`` from ``sums``, which makes the layer of ``p`` without residual and activation.

    ``add`` adds its second argument to its first in place. That is the layer's own result, new or reused, and never the
    residual: it lies in memory that nobody may write to, and the next call gets it again.
    """
    layer = sums(replace(p, add=False, activation="none"))

    def adding(x: Any, residual: Any) -> Any:
        y = layer(x)
        add(y, residual)
        return y

    def both(x: Any, residual: Any) -> Any:
        y = layer(x)
        add(y, residual)
        activate(y)  # type: ignore[misc]  # asked below
        return y

    return adding if activate is None else both
