"""The activations that follow convolutions in models, in PyTorch's words and in oneDNN's."""

from __future__ import annotations

from typing import Any, Final

STEEPEST: Final = {"none": 1.0, "relu": 1.0, "relu6": 1.0, "silu": 1.1, "hardswish": 1.5, "gelu": 1.13, "sigmoid": 0.25}
"""By how much each can enlarge an error of what it is given."""

ONEDNN: Final[dict[str, tuple[str, list[float], str]]] = {
    "none": ("none", [], ""),
    "relu": ("relu", [], ""),
    "relu6": ("hardtanh", [0.0, 6.0], ""),
    "silu": ("swish", [], ""),
    "hardswish": ("hardswish", [], ""),
    "gelu": ("gelu", [], "none"),
    "sigmoid": ("sigmoid", [], ""),
}
"""What PyTorch's operators for oneDNN call them, with their numbers."""


def activation_of(node: Any, module: Any) -> str:
    """The name of the activation that a node of a graph is, ``module`` being what it calls; "none" where it is none."""
    from torch import nn

    if node.op == "call_module":
        if type(module) is nn.GELU and module.approximate != "none":
            return "none"
        if type(module) is nn.Hardtanh:
            return "relu6" if (module.min_val, module.max_val) == (0, 6) else "none"
        return _modules().get(type(module), "none")
    plain = len(node.args) == 1 and set(node.kwargs) <= {"inplace"}
    if not plain:
        return "none"
    if node.op == "call_function":
        return _functions().get(node.target, "none")
    methods = {"relu": "relu", "relu_": "relu", "sigmoid": "sigmoid"}
    return methods.get(node.target, "none") if node.op == "call_method" else "none"


def applied(activation: str, y: Any) -> Any:
    """The same by PyTorch."""
    import torch
    from torch.nn import functional

    known: dict[str, Any] = {
        "relu": functional.relu,
        "relu6": functional.relu6,
        "silu": functional.silu,
        "hardswish": functional.hardswish,
        "gelu": functional.gelu,
        "sigmoid": torch.sigmoid,
    }
    return known[activation](y) if activation != "none" else y


def _modules() -> dict[Any, str]:
    from torch import nn

    rectifiers = {nn.ReLU: "relu", nn.ReLU6: "relu6"}
    return rectifiers | {nn.SiLU: "silu", nn.Hardswish: "hardswish", nn.GELU: "gelu", nn.Sigmoid: "sigmoid"}


def _functions() -> dict[Any, str]:
    import torch
    from torch.nn import functional

    relus = (torch.relu, torch.relu_, functional.relu, functional.relu_)
    return dict.fromkeys(relus, "relu") | {
        functional.relu6: "relu6",
        functional.silu: "silu",
        functional.hardswish: "hardswish",
        functional.gelu: "gelu",
        functional.sigmoid: "sigmoid",
        torch.sigmoid: "sigmoid",
    }
