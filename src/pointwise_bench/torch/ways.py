"""The ways in which a site can be computed: by its modules, by oneDNN with all of it in one, by the project's kernel.

A way is a function of what the site is given: ``way(x)``, or ``way(x, other)`` where something is added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pointwise_bench.backends.problem import Problem
from pointwise_bench.torch.activations import ONEDNN, applied
from pointwise_bench.torch.folding import folded
from pointwise_bench.torch.own_kernel.depthwise import Depthwise, own_depthwise
from pointwise_bench.torch.own_kernel.layer import Kernel, own_kernel
from pointwise_bench.torch.sites import Site, no_padding

Way = Callable[..., Any]


def by_modules(site: Site) -> Way:
    """The model's own."""
    module, norm, activation = site.module, site.norm, site.activation

    def way(x: Any, other: Any = None) -> Any:
        y = module(x)
        if norm is not None:
            y = norm(y)  # timm's has the activation in it
        if site.turned:
            y = y.permute(0, 3, 1, 2)
        if site.scale is not None:
            y = y * site.scale()[:, None, None]
        if other is not None:
            y = y + other
        return applied(activation, y) if not hasattr(norm, "act") or other is not None else y

    return way


def by_onednn(site: Site, x: Any) -> Way | None:
    """One call of oneDNN for a convolution with all that follows, its weights packed for inputs such as ``x``."""
    import torch

    if site.linear or (site.add is not None and site.activation not in ("none", "relu")):
        return None
    if not torch.backends.mkldnn.is_available():
        return None
    conv = site.module
    weight, bias = folded(site)
    how = (list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups)
    weight = weight.contiguous(memory_format=torch.channels_last)
    packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *how, list(x.shape))
    if site.add is not None:
        sum_of = torch.ops.mkldnn._convolution_pointwise.binary
        behind: tuple[str | None, list[float], str] = (None, [], "")
        behind = ("relu", [], "") if site.activation == "relu" else behind
        return lambda x, other: sum_of(x, other, packed, bias, *how, "add", 1.0, *behind)
    convolution = torch.ops.mkldnn._convolution_pointwise.default
    name, numbers, algorithm = ONEDNN[site.activation]
    return lambda x: convolution(x, packed, bias, *how, name, numbers, algorithm)


def by_kernel(site: Site, x: Any, threads: int) -> Kernel | None:
    """The project's kernel for inputs such as ``x``, without memory for its result yet."""
    from pointwise_bench.backends._shared.loops import missing_numba

    if not x.numel() or missing_numba() is not None:
        return None
    if site.depthwise:
        return _by_depthwise(site, x, threads)
    if not site.pointwise:
        return None
    if not site.linear and not no_padding(site.module):
        return None
    weight, bias = folded(site)
    if site.linear:
        batch, height, width, stride = 1, 1, x.numel() // x.shape[-1], 1
    else:
        (batch, _, height, width), stride = x.shape, site.module.stride[0]
    problem = Problem(
        batch=batch,
        in_channels=weight.shape[1],
        out_channels=weight.shape[0],
        height=height,
        width=width,
        stride=stride,
        bias=True,
        layout="nhwc",
    )
    return own_kernel(problem, weight.reshape(len(weight), -1).numpy(), bias.numpy(), site.activation, threads)


def _by_depthwise(site: Site, x: Any, threads: int) -> Kernel | None:
    weight, bias = folded(site)
    conv, (batch, channels, height, width) = site.module, x.shape
    layer = Depthwise(batch, channels, height, width, conv.kernel_size[0], conv.stride[0], conv.padding[0])
    return own_depthwise(layer, weight.reshape(channels, -1).numpy(), bias.numpy(), site.activation, threads)


def into(kernel: Kernel, site: Site, x: Any, memory: Any) -> Way:
    """A way by ``kernel`` that writes into the flat tensor ``memory``, which must live as long as its result."""
    import torch

    if site.linear:
        rows, shape = torch.contiguous_format, (*x.shape[:-1], site.module.out_features)
        y = memory[: _count(shape)].view(shape)
        y = y.permute(0, 3, 1, 2) if site.turned else y
    else:
        rows = torch.channels_last
        conv = site.module
        sizes = zip(x.shape[2:], conv.padding, conv.kernel_size, conv.stride, strict=True)
        height, width = ((size + 2 * padding - side) // stride + 1 for size, padding, side, stride in sizes)
        shape = (x.shape[0], height, width, conv.out_channels)
        y = memory[: _count(shape)].view(shape).permute(0, 3, 1, 2)
    kernel.result(y.data_ptr())
    if site.add is None:

        def way(x: Any) -> Any:
            kernel((x if x.is_contiguous(memory_format=rows) else x.contiguous(memory_format=rows)).data_ptr())
            return y

        return way

    result_rows = torch.channels_last if site.turned else rows

    def with_other(x: Any, other: Any) -> Any:
        x = x if x.is_contiguous(memory_format=rows) else x.contiguous(memory_format=rows)
        if not other.is_contiguous(memory_format=result_rows):
            other = other.contiguous(memory_format=result_rows)
        kernel(x.data_ptr(), other.data_ptr())
        return y

    return with_other


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
