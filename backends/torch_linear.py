"""PyTorch's linear layer on the CPU: the same dense layer at every pixel."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared.activation import tensors as activation
from pointwise_bench.backends._shared.arrays import read_pixels
from pointwise_bench.backends._shared.torch import cpu as torch_cpu, matmul as torch_matmul


@register
class TorchLinear(torch_cpu.TorchCpu):
    """``torch.nn.functional.linear`` over the last axis, and ``relu_`` or the like in place on it.

    Calls ``addmm``, or ``mm`` without a bias, on the pixels as rows: the BLAS that torch was built with (MKL in the x86
    wheels). Made for NHWC; an NCHW problem pays for bringing channels last and back again. The layer knows no
    groups: each is a call of its own on its channels, and the results are joined. Each call returns a new tensor. The
    gradient of the input is a linear layer too, that of the weights ``torch.bmm``, as in autograd.
    """

    name = "torch-linear"

    def make(self, problem: Problem, weight: Array | None, bias: Array | None) -> Layer:
        """The layer of the problem's direction."""
        if weight is None:
            return torch_matmul.weight_gradient(problem, fresh=True)
        if problem.direction == "backward-input":
            return torch_matmul.input_gradient(problem, weight, _forward, fresh=True)
        return _forward(problem, weight, bias)


def _forward(p: Problem, weight: Array, bias: Array | None) -> Layer:
    """Weights and bias by group, as tensors."""
    import torch
    from torch.nn.functional import linear

    kernels = torch_cpu.as_tensor(weight).chunk(p.groups)
    biases = [None] * p.groups if bias is None else torch_cpu.as_tensor(bias).chunk(p.groups)
    channels, activate = p.in_channels // p.groups, activation.in_place(p)

    def multiply(rows: Any) -> Any:
        if p.groups == 1:
            return linear(rows, kernels[0], biases[0])
        parts = rows.split(channels, dim=-1)
        return torch.cat([linear(*each) for each in zip(parts, kernels, biases, strict=True)], dim=-1)

    def layer(x: Any) -> Any:
        x = read_pixels(p, x)
        if p.layout == "nchw":
            x = x.permute(0, 2, 3, 1)
        # As a matrix: of more axes that are not contiguous, `linear` adds the bias after the product is rounded.
        y = multiply(x.reshape(p.pixels, p.in_channels)).view(p.batch, p.out_height, p.out_width, p.out_channels)
        if p.layout == "nchw":
            y = y.permute(0, 3, 1, 2).contiguous()
        return y if activate is None else activate(y)

    return layer
