"""The convolutions and linear layers of a traced model, each with what follows it and nobody else reads."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pointwise_bench.torch.activations import activation_of


@dataclass
class Site:
    """Nodes of the graph from the layer to the last one that is taken in; ``refusal``: why it is left alone.

    A linear layer over the channels of pictures may be ``turned``: its result is read with channels in second place,
    where ConvNeXt multiplies each by a ``scale`` of its own, a parameter.
    """

    name: str
    module: Any
    nodes: list[Any]
    norm: Any | None = None
    turned: bool = False
    scale: Callable[[], Any] | None = None
    add: Any | None = None
    activation: str = "none"
    refusal: str = ""

    @property
    def other(self) -> Any | None:
        """What is added, as the graph has it now."""
        if self.add is None:
            return None
        result = self.nodes[self.nodes.index(self.add) - 1]
        return next(one for one in self.add.args if one is not result)

    @property
    def linear(self) -> bool:
        """A linear layer, whose channels come last."""
        return hasattr(self.module, "in_features")

    @property
    def pointwise(self) -> bool:
        """What the project's kernel computes: one pixel of the input for one of the result, and all channels."""
        if self.linear:
            return True
        conv = self.module
        square = conv.stride[0] == conv.stride[1]
        return bool(tuple(conv.kernel_size) == (1, 1) and conv.groups == 1 and square and no_padding(conv))

    @property
    def depthwise(self) -> bool:
        """A convolution whose channels have a square of weights each: what the project's code for these computes."""
        if self.linear:
            return False
        conv = self.module
        own = conv.groups == conv.in_channels == conv.out_channels > 1
        square = all(len(set(sizes)) == 1 for sizes in (conv.kernel_size, conv.stride, conv.padding))
        side = conv.kernel_size[0]
        return bool(own and square and tuple(conv.dilation) == (1, 1) and side > 1 and conv.padding[0] < side)


def no_padding(conv: Any) -> bool:
    """Whether nothing is added around the picture."""
    return conv.padding in ((0, 0), 0, "valid") or (conv.padding == "same" and tuple(conv.kernel_size) == (1, 1))


def sites_of(traced: Any) -> list[Site]:
    """Of a ``torch.fx.GraphModule`` whose nodes know their shapes, in the order in which they are called."""
    import torch

    modules = dict(traced.named_modules())
    found: list[Site] = []
    taken: set[Any] = set()
    for node in traced.graph.nodes:
        module = modules.get(node.target) if node.op == "call_module" else None
        if not isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            continue
        site = Site(node.target, module, [node], refusal=why_not(module))
        found.append(site)
        if not site.refusal:
            _take_in(site, traced, modules, taken)
            taken.update(site.nodes)
    names = [site.name for site in found]
    for site in found:
        if names.count(site.name) > 1:
            site.refusal = "is called more than once"
    return found


def _take_in(site: Site, traced: Any, modules: dict[str, Any], taken: set[Any]) -> None:
    """Of what follows: a normalisation or a scale, an addition, an activation, in this order.

    An addition of two layers' results is the first one's: the other's is what it adds.
    """
    import torch

    after = _only_reader(site.nodes[-1])
    if after is not None and isinstance(norm := _module(after, modules), torch.nn.BatchNorm2d):
        if norm.running_mean is None or (type(norm) is not torch.nn.BatchNorm2d and not _with_activation(norm)):
            return
        site.norm = norm
        site.nodes.append(after)
        if _with_activation(norm) and not isinstance(norm.act, torch.nn.Identity):
            site.activation = activation_of(after, norm.act)
            return
        after = _only_reader(after)
    elif after is not None and site.linear and _turns(after):
        site.turned = True
        site.nodes.append(after)
        after = _only_reader(after)
        if after is not None and (scale := _scale(after, site, traced)) is not None:
            site.scale = scale
            site.nodes.append(after)
            after = _only_reader(after)
    if after is not None and after not in taken and _adds(after, site.nodes[-1]):
        site.add = after
        site.nodes.append(after)
        after = _only_reader(after)
    if after is None or after in taken:
        return
    if (name := activation_of(after, _module(after, modules))) != "none":
        site.activation = name
        site.nodes.append(after)


def _with_activation(norm: Any) -> bool:
    """Timm's BatchNorm with an activation behind it, where that is one of ours and nothing lies between."""
    import torch

    parts = {name: type(part) for name, part in norm.named_children()}
    if type(norm).__name__ != "BatchNormAct2d" or set(parts) - {"act", "drop"}:
        return False
    known = (torch.nn.Identity, torch.nn.ReLU, torch.nn.ReLU6, torch.nn.SiLU, torch.nn.Hardswish)
    return parts.get("drop", torch.nn.Identity) is torch.nn.Identity and parts.get("act", torch.nn.Identity) in known


def _adds(node: Any, result: Any) -> bool:
    """Whether a node adds something else of its shape to ``result``."""
    import torch

    plus = node.op == "call_function" and node.target in (operator.add, operator.iadd, torch.add)
    if (
        not (plus or (node.op == "call_method" and node.target in ("add", "add_")))
        or node.kwargs
        or len(node.args) != 2
    ):
        return False
    others = [one for one in node.args if one is not result]
    if len(others) != 1 or not hasattr(others[0], "meta"):
        return False
    known = [one.meta.get("tensor_meta") for one in (others[0], result)]
    return None not in known and known[0].shape == known[1].shape and known[0].dtype == known[1].dtype


def _turns(node: Any) -> bool:
    """Whether a node puts the last of four dimensions into second place."""
    import torch

    if node.kwargs or not (node.target is torch.permute or (node.op == "call_method" and node.target == "permute")):
        return False
    order = node.args[1] if len(node.args) == 2 else node.args[1:]
    return tuple(order) == (0, 3, 1, 2)


def _scale(node: Any, site: Site, traced: Any) -> Callable[[], Any] | None:
    """A parameter of one number for each channel, where a node multiplies a turned result by it."""
    import torch

    times = node.op == "call_function" and node.target in (operator.mul, operator.imul, torch.mul)
    times = times or (node.op == "call_method" and node.target in ("mul", "mul_"))
    if not times or node.kwargs or len(node.args) != 2:
        return None
    others = [one for one in node.args if one is not site.nodes[-1]]
    if len(others) != 1 or not hasattr(others[0], "meta") or "tensor_meta" not in others[0].meta:
        return None
    shape = others[0].meta["tensor_meta"].shape
    held = others[0]
    if held.op == "call_method" and held.target in ("reshape", "view"):  # timm's
        held = held.args[0]
    if held.op != "get_attr" or tuple(shape)[-3:] != (site.module.out_features, 1, 1) or shape.numel() != shape[-3]:
        return None
    *path, name = held.target.split(".")

    def scale() -> Any:
        return getattr(traced.get_submodule(".".join(path)), name).detach().reshape(-1)

    return scale


def why_not(module: Any) -> str:
    """Why a layer is left alone; empty where it is not."""
    import torch

    if type(module) not in (torch.nn.Conv2d, torch.nn.Linear):
        return f"a {type(module).__name__} may do more than its parent"
    if module._forward_hooks or module._forward_pre_hooks:
        return "has hooks"
    if module.weight.dtype != torch.float32:
        return f"computes {module.weight.dtype}"
    if type(module) is torch.nn.Conv2d and (module.padding_mode != "zeros" or isinstance(module.padding, str)):
        return f"padded by {module.padding} {module.padding_mode}"
    return ""


def _only_reader(node: Any) -> Any | None:
    readers = list(node.users)
    return readers[0] if len(readers) == 1 else None


def _module(node: Any, modules: dict[str, Any]) -> Any:
    module = modules.get(node.target) if node.op == "call_module" else None
    return None if module is None or module._forward_hooks or module._forward_pre_hooks else module
