"""Activations on PyTorch's tensors: its own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pointwise_bench.backends.problem import Problem


def in_place(p: Problem) -> Callable[[Any], Any] | None:
    """Applies the activation to a tensor, in place, and returns it; None where there is none."""
    import torch

    aten = torch.ops.aten
    known: dict[str, Callable[[Any], Any]] = {
        "relu": torch.relu_,
        "relu6": lambda y: aten.clamp_(y, 0, 6),
        "silu": aten.silu_,
        "hardswish": aten.hardswish_,
        "gelu": aten.gelu_,
    }
    return known.get(p.activation)


def compiled(p: Problem, y: Any) -> Any:
    """The same as a function, for a compiler that fuses it."""
    import torch
    from torch.nn import functional

    if p.activation == "none":
        return y
    known: dict[str, Callable[[Any], Any]] = {
        "relu": torch.relu,
        "relu6": functional.relu6,
        "silu": functional.silu,
        "hardswish": functional.hardswish,
        "gelu": functional.gelu,
    }
    return known[p.activation](y)
