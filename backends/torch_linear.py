"""PyTorch's linear layer on the CPU: the same dense layer at every pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _torch, register
from backends._arrays import read_pixels

if TYPE_CHECKING:
    from backends.backend import Array


@register
class TorchLinear(Backend):
    """``torch.nn.functional.linear`` over the last axis, and ``relu_`` in place on its result.

    Calls ``addmm``, or ``mm`` without a bias, on the pixels as rows: the BLAS that torch was built with (MKL in the x86
    wheels). Made for NHWC; an NCHW problem pays for bringing channels last and back again. The layer knows no
    groups: each is a call of its own on its channels, and the results are joined. Each call returns a new tensor.
    """

    name = "torch-linear"

    def missing(self) -> str | None:
        """Torch, where it is not installed."""
        return _torch.missing_torch()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights and bias by group, as tensors."""
        import torch
        from torch.nn.functional import linear

        _torch.use_threads(threads)
        p = problem
        kernels = _torch.as_tensor(weight).chunk(p.groups)
        biases = [None] * p.groups if bias is None else _torch.as_tensor(bias).chunk(p.groups)
        channels = p.in_channels // p.groups

        def multiply(rows: Any) -> Any:
            if p.groups == 1:
                return linear(rows, kernels[0], biases[0])
            parts = rows.split(channels, dim=-1)
            return torch.cat([linear(*each) for each in zip(parts, kernels, biases, strict=True)], dim=-1)

        def layer(x: Any) -> Any:
            x = read_pixels(p, x)
            if p.layout == "nchw":
                x = x.permute(0, 2, 3, 1)
            y = multiply(x)
            if p.layout == "nchw":
                y = y.permute(0, 3, 1, 2).contiguous()
            return y.relu_() if p.activation == "relu" else y

        return layer

    def to_device(self, array: Array) -> Any:
        """A contiguous tensor in the problem's layout."""
        return _torch.as_tensor(array)

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values."""
        return result.numpy()  # type: ignore[no-any-return]
