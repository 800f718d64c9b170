"""Weights and bias of a site with its normalisation or scale taken in, in double precision on the way."""

from __future__ import annotations

from typing import Any

from pointwise_bench.torch.sites import Site


def folded(site: Site) -> tuple[Any, Any]:
    """Float32 tensors: weights of the layer's shape, and a bias, of zeros where there is none."""
    import torch

    module, norm = site.module, site.norm
    weight = module.weight.detach().double()
    bias = torch.zeros(len(weight), dtype=torch.float64) if module.bias is None else module.bias.detach().double()
    if norm is not None:
        scale = factor(norm)
        weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        bias = (bias - norm.running_mean.double()) * scale
        if norm.bias is not None:
            bias = bias + norm.bias.detach().double()
    if site.scale is not None:
        scale = site.scale().double()
        weight, bias = weight * scale[:, None], bias * scale
    return weight.float().contiguous(), bias.float()


def factor(norm: Any) -> Any:
    """By which a normalisation multiplies, in double precision."""
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    return scale if norm.weight is None else scale * norm.weight.detach().double()
