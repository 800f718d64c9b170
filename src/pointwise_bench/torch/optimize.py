"""``optimize``: a model with its 1x1 convolutions planned, where that was measured to win; else the model as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

from pointwise_bench.torch.paired_times import SpeedUp, paired
from pointwise_bench.torch.planned_site import PlannedSite
from pointwise_bench.torch.sites import FoundSite, pointwise_sites


@dataclass(frozen=True)
class OptimizedSite:
    """A 1x1 convolution by its name in the model: who computes it (None: PyTorch as before), and why."""

    name: str
    backend: str | None
    why: str
    with_norm: bool = False
    with_relu: bool = False


@dataclass(frozen=True)
class Report:
    """What became of a model: whether the planned layers are used, and ``speed_up`` over the model as it was."""

    used: bool
    why: str
    sites: tuple[OptimizedSite, ...] = ()
    speed_up: SpeedUp | None = None

    def __str__(self) -> str:
        lines = [
            f"{site.name}: {site.backend or 'as it was'}{' with its normalisation' * site.with_norm}"
            f"{' with its ReLU' * site.with_relu}: {site.why}"
            for site in self.sites
        ]
        return "\n".join([*lines, self.why])


def optimize(model: Any, example: Any, *, wisdom: str | PathLike[str] | None = None) -> Any:
    """A module that computes what ``model`` does, with 1x1 convolutions planned for inputs such as ``example``.

    It shares the model's parameters and buffers by name; ``pointwise_report`` of it says what was done, where
    and why. In training, where gradients are enabled (so call it under ``torch.no_grad()``) and on another device it is
    the model as it was. It is planned for other sizes when it meets them. The planned layers are used only if they
    were faster on ``example``, in paired rounds with the model as it was.
    """
    import torch

    if not torch.is_tensor(example):
        raise ValueError("example must be one tensor: a batch that the model is called with")
    result = copy.copy(model)  # shares what holds parameters and modules
    before = type(model).forward
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    result.training = False
    try:
        with torch.no_grad():
            fast, report = _planned(result, model, example, wisdom)
    finally:
        for module, mode in modes:  # a model in training may have modules that are not
            module.training = mode
        result.training = model.training

    def forward(*inputs: Any, **options: Any) -> Any:
        plain = len(inputs) == 1 and not options and isinstance(inputs[0], torch.Tensor)
        if not plain or fast is None or result.training or torch.is_grad_enabled():
            return before(result, *inputs, **options)
        return fast(inputs[0])

    result.forward = forward
    result.pointwise_report = report
    return result


def _planned(
    result: Any, model: Any, example: Any, wisdom: str | PathLike[str] | None
) -> tuple[Callable[[Any], Any] | None, Report]:
    """The model by planned layers, None where it is better left alone; and what is to be said of it."""
    from torch import fx

    try:
        traced = fx.symbolic_trace(model)
    except Exception as error:  # what a model does in Python has no bounds
        return None, Report(False, f"left as it was: it cannot be traced ({type(error).__name__})")
    found = pointwise_sites(traced)
    planned = _put_in_place(traced, found, wisdom)

    def fast(x: Any) -> Any:
        return _own_memory(traced(x), planned.values())

    right, reached = model(example), fast(example)
    sites = tuple(_said(site, planned.get(site.name)) for site in found)
    if not any(site.backend for site in sites):
        return None, Report(False, "left as it was: no 1x1 convolution that wisdom knows a faster backend for", sites)
    if not _close(right, reached):
        return None, Report(False, "left as it was: its result on the example would be another one", sites)
    speed_up = paired(lambda: model(example), lambda: fast(example))
    measured = f"{speed_up.ratio:.2f} [{speed_up.low:.2f}, {speed_up.high:.2f}] times as fast as it was"
    if speed_up.low <= 1:
        return None, Report(False, f"left as it was: planned it would be {measured}", sites, speed_up)
    return fast, Report(True, f"planned: {measured}", sites, speed_up)


def _put_in_place(traced: Any, found: list[FoundSite], wisdom: str | PathLike[str] | None) -> dict[str, PlannedSite]:
    """Let ``traced`` call planned sites instead of its modules; a convolution that is called twice is left alone."""
    modules = dict(traced.named_modules())
    names = [site.name for site in found]
    planned = {}
    for site in found:
        if names.count(site.name) > 1:
            site.refusal = "is called more than once"
        if site.refusal:
            continue
        own = planned[site.name] = PlannedSite(modules[site.name], site.norm, site.relu, wisdom)
        first, last = site.nodes[0], site.nodes[-1]
        with traced.graph.inserting_before(first):
            call = traced.graph.call_module(_added(traced, own, len(planned)), (first.args[0],))
        last.replace_all_uses_with(call)
        for node in reversed(site.nodes):
            traced.graph.erase_node(node)
    traced.recompile()
    return planned


def _added(traced: Any, planned: PlannedSite, number: int) -> str:
    """The name under which ``traced`` has it from now on: a graph calls nothing but modules and functions with names.

    Its modules stay out of the new one's own, where a state's keys and a move would find them a second time.
    """
    import torch

    class PlannedModule(torch.nn.Module):  # type: ignore[misc]  # of torch, whose types are not read
        def forward(self, x: Any) -> Any:
            return planned(x)

    name = f"planned_{number}"
    traced.add_submodule(name, PlannedModule())
    return name


def _said(site: FoundSite, planned: PlannedSite | None) -> OptimizedSite:
    if planned is None:
        return OptimizedSite(site.name, None, site.refusal)
    return OptimizedSite(site.name, planned.backend, planned.reason, site.norm is not None, site.relu)


def _own_memory(result: Any, planned: Any) -> Any:
    """``result`` without memory that the next call would overwrite."""
    from torch.utils import _pytree

    reused = set().union(*(site.memory() for site in planned))

    def kept(one: Any) -> Any:
        lies = getattr(one, "untyped_storage", None)
        return one.clone() if lies is not None and lies().data_ptr() in reused else one

    return _pytree.tree_map(kept, result)


def _close(right: Any, reached: Any) -> bool:
    """Each layer was held to its bounds; of the whole only what no rounding explains is refused."""
    import torch

    try:
        torch.testing.assert_close(reached, right, rtol=1e-3, atol=1e-4 * _largest(right), equal_nan=True)
    except AssertionError:
        return False
    return True


def _largest(result: Any) -> float:
    import torch
    from torch.utils import _pytree

    sizes = [float(one.abs().max()) for one in _pytree.tree_leaves(result) if torch.is_tensor(one) and one.numel()]
    return max(sizes, default=0.0)
