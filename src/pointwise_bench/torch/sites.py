"""The 1x1 convolutions of a traced model, each with the normalisation and ReLU that follow it and nobody else reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class FoundSite:
    """Nodes of the graph from the convolution to the last one that is taken in; ``refusal``: why it is left alone."""

    name: str
    nodes: list[Any]
    norm: Any | None = None
    relu: bool = False
    refusal: str = ""


def pointwise_sites(traced: Any) -> list[FoundSite]:
    """Of a ``torch.fx.GraphModule``, in the order in which they are called."""
    import torch

    modules = dict(traced.named_modules())
    found = []
    for node in traced.graph.nodes:
        conv = modules.get(node.target) if node.op == "call_module" else None
        if not isinstance(conv, torch.nn.Conv2d) or tuple(conv.kernel_size) != (1, 1):
            continue
        site = FoundSite(node.target, [node], refusal=why_not(conv))
        found.append(site)
        after = _only_reader(node)
        if after is not None and isinstance(norm := _module(after, modules), torch.nn.BatchNorm2d):
            if norm.running_mean is not None:
                site.norm = norm
                site.nodes.append(after)
                after = _only_reader(after)
            else:
                after = None
        if after is not None and _is_relu(after, modules):
            site.relu = True
            site.nodes.append(after)
    return found


def why_not(conv: Any) -> str:
    """Why no layer of ours is this convolution; empty where one can be."""
    import torch

    if type(conv) is not torch.nn.Conv2d:
        return f"a {type(conv).__name__} may do more than a Conv2d"
    if conv.padding not in ((0, 0), 0, "valid", "same"):
        return f"padded by {conv.padding}"
    if conv.stride[0] != conv.stride[1]:
        return f"strides of {conv.stride}"
    if conv._forward_hooks or conv._forward_pre_hooks:
        return "has hooks"
    if conv.weight.dtype not in (torch.float32, torch.float64):
        return f"computes {conv.weight.dtype}"
    return ""


def _only_reader(node: Any) -> Any | None:
    readers = list(node.users)
    return readers[0] if len(readers) == 1 else None


def _module(node: Any, modules: dict[str, Any]) -> Any:
    module = modules.get(node.target) if node.op == "call_module" else None
    return None if module is None or module._forward_hooks or module._forward_pre_hooks else module


def _is_relu(node: Any, modules: dict[str, Any]) -> bool:
    import torch
    from torch.nn import functional

    if node.op == "call_module":
        return type(_module(node, modules)) is torch.nn.ReLU
    if node.op == "call_function":
        return node.target in (torch.relu, torch.relu_, functional.relu, functional.relu_)
    return node.op == "call_method" and node.target in ("relu", "relu_")
