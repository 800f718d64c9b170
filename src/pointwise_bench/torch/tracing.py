"""A model as a graph: its modules and functions in the order in which they are called, without what does nothing."""

from __future__ import annotations

import operator
from typing import Any


def traced(model: Any, example: Any) -> Any:
    """A ``torch.fx.GraphModule`` of a model in evaluation, whose nodes know the shapes that ``example`` gives them.

    ``Exception`` of any kind where that cannot be: what a model does in Python has no bounds.
    """
    from torch import fx
    from torch.fx.passes.shape_prop import ShapeProp

    class Tracer(fx.Tracer):  # type: ignore[misc]  # of torch, whose types are not read
        def is_leaf_module(self, module: Any, name: str) -> bool:
            """Timm's BatchNorm with an activation is one normalisation, and not some twenty calls."""
            return type(module).__name__ == "BatchNormAct2d" or super().is_leaf_module(module, name)

    graph = Tracer().trace(model)
    made = fx.GraphModule(model, graph)
    _without_idle(made)
    ShapeProp(made).propagate(example)
    return made


def _without_idle(made: Any) -> None:
    """Dropout does nothing in evaluation; what is asserted of shapes held in the model's own call."""
    import torch
    from torch.nn import functional

    modules = dict(made.named_modules())
    dropouts = (torch.nn.Dropout, torch.nn.Dropout1d, torch.nn.Dropout2d, torch.nn.Dropout3d, torch.nn.Identity)
    for node in list(made.graph.nodes):
        module = modules.get(node.target) if node.op == "call_module" else None
        hooked = module is not None and (module._forward_hooks or module._forward_pre_hooks)
        named = getattr(node.target, "__name__", "") if node.op == "call_function" else ""
        idle = type(module) in dropouts and not hooked
        idle = idle or (named == "stochastic_depth" and _not_training(node, 3))
        idle = idle or (node.target is functional.dropout and _not_training(node, 2))
        if idle:
            node.replace_all_uses_with(node.args[0])
            made.graph.erase_node(node)
        elif node.target is torch._assert and not node.users:
            _erase_with_what_it_asks(made.graph, node)
    made.recompile()


def _erase_with_what_it_asks(graph: Any, node: Any) -> None:
    """An assertion, and questions such as ``x.ndim == 4`` that nobody else reads.

    Not all that is unread: a function may have been called for what it does to its argument.
    """
    asked = node.all_input_nodes
    graph.erase_node(node)
    for one in asked:
        question = one.target in (getattr, operator.eq, "dim", "size") or one.op == "get_attr"
        if question and not one.users:
            _erase_with_what_it_asks(graph, one)


def _not_training(node: Any, place: int) -> bool:
    given = node.kwargs.get("training", node.args[place] if len(node.args) > place else True)
    return given is False
