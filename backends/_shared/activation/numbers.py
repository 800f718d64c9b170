"""Activations of one Python float."""

from __future__ import annotations

import math


def activated(activation: str, v: float) -> float:
    """NaN is neither below nor above anything, and stays."""
    if activation in ("relu", "relu6"):
        v = 0.0 if v < 0.0 else v
        return 6.0 if activation == "relu6" and v > 6.0 else v
    if activation == "silu":
        return v * 0.0 if v < -700.0 else v / (1.0 + math.exp(-v))  # math.exp refuses what overflows
    if activation == "hardswish":
        return v * (activated("relu6", v + 3.0) / 6.0)
    return 0.5 * v * (1.0 + math.erf(v * math.sqrt(0.5))) if activation == "gelu" else v
