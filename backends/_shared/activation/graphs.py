"""Activations as nodes of a graph, which its engine fuses with the convolution where it can."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pointwise_bench.backends._shared.onnx_graph import Graph
from pointwise_bench.backends.problem import Problem


def onnx(graph: Graph, p: Problem, value: str) -> str:
    """GELU in the five steps in which exporters write it, and which ONNX Runtime knows again."""
    import numpy as np

    def number(wanted: float) -> str:
        return graph.constant(np.array(wanted, "float64" if p.dtype == "float64" else "float32"))

    if p.activation in ("relu", "relu6"):
        bounds = [] if p.activation == "relu" else [number(0), number(6)]
        return graph.node("Clip" if bounds else "Relu", [value, *bounds])
    if p.activation == "silu":
        return graph.node("Mul", [value, graph.node("Sigmoid", [value])])
    if p.activation == "hardswish":
        return _hardswish(graph, p, value, number)
    if p.activation == "gelu":
        erf = graph.node("Erf", [graph.node("Div", [value, number(math.sqrt(2))])])
        product = graph.node("Mul", [value, graph.node("Add", [erf, number(1)])])
        return graph.node("Mul", [product, number(0.5)])
    return value


def _hardswish(graph: Graph, p: Problem, value: str, number: Callable[[float], str]) -> str:
    """In float64, in which the runtime does not know it, written out."""
    if p.dtype != "float64":
        return graph.node("HardSwish", [value])
    part = graph.node("Clip", [graph.node("Add", [value, number(3)]), number(0), number(6)])
    return graph.node("Mul", [value, graph.node("Div", [part, number(6)])])


def openvino(p: Problem, y: Any) -> Any:
    """Its own operations, but where they lose NaN, as Relu and Clamp do, and what it takes for one of these.

    Of Maximum the second operand stays where either is NaN. A Select by Greater lost NaN where the plug-in has AVX-512,
    and Minimum does in either order: so the upper end of ReLU6 is a Maximum of what is negative.
    """
    import numpy as np
    from openvino import opset13 as ops

    def number(wanted: float) -> Any:
        if p.dtype == "bfloat16":
            return ops.convert(ops.constant(np.full((1, 1, 1, 1), wanted, np.float32)), "bf16")
        return ops.constant(np.full((1, 1, 1, 1), wanted, p.dtype))

    if p.activation == "relu":
        return ops.maximum(number(0), y)
    if p.activation == "relu6":
        return ops.negative(ops.maximum(number(-6), ops.negative(ops.maximum(number(0), y))))
    if p.activation == "silu":
        return ops.multiply(y, ops.sigmoid(y))
    if p.activation == "hardswish":
        return ops.hswish(y)
    return ops.gelu(y, "erf") if p.activation == "gelu" else y
