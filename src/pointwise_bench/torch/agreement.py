"""Whether a site's result is that of its modules, within what both may err by the rules of the gate."""

from __future__ import annotations

from typing import Any, Final

from pointwise_bench.backends.problem import Problem
from pointwise_bench.suites.harness.verify.error_bounds import UNIT_ROUNDOFF, allowed_error
from pointwise_bench.torch.activations import STEEPEST
from pointwise_bench.torch.folding import factor, folded
from pointwise_bench.torch.sites import Site

BOTH_ERR: Final = 4.0
"""Times the bound of the gate that two ways may differ by: either may err by it, and where a normalisation is folded
its factor is rounded with the weights in the one and after the sum in the other."""

ROUNDINGS: Final = 8.0
"""Units of the last place by which an addition and an activation behind the sum may differ, of what they are given."""


def agrees(site: Site, x: Any, other: Any, reached: Any, right: Any) -> bool:
    """``reached`` on ``x`` (and what is added) against ``right``, which the modules made of the same."""
    weight, bias = folded(site)
    terms = weight[0].numel()
    sums = Problem(batch=1, in_channels=terms, out_channels=1, height=1, width=1, bias=True)
    sizes = bias.abs()
    if site.norm is not None:  # what cancels in the folded bias was added and taken off in the modules
        sizes = sizes + (factor(site.norm).abs() * site.norm.running_mean.abs()).float()
    magnitude = plain(site, x.abs(), weight.abs(), sizes)
    given = magnitude if other is None else magnitude + other.abs()
    if site.activation == "sigmoid":
        given = given + 1  # of a small sum it makes a half, and rounds that
    of_sums = BOTH_ERR * allowed_error(sums) * magnitude
    allowed = STEEPEST[site.activation] * of_sums + ROUNDINGS * UNIT_ROUNDOFF["float32"] * given
    same = (reached == right) | (reached.isnan() & right.isnan())  # infinities among them
    return bool((((reached - right).abs() <= allowed) | same).all())


def plain(site: Site, x: Any, weight: Any, bias: Any) -> Any:
    """The sums of a site with other weights."""
    from torch.nn import functional

    if site.linear:
        y = functional.linear(x, weight, bias)
        return y.permute(0, 3, 1, 2) if site.turned else y
    conv = site.module
    return functional.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
