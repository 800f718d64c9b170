"""PyTorch's convolution and its gradients, on any device, in either memory format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared import halves
from pointwise_bench.backends._shared.activation import tensors as activation
from pointwise_bench.backends._shared.torch import cpu as torch_cpu
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


def refuses(p: Problem) -> str | None:
    """Half-precision answers of PyTorch on the CPU that are wrong by more than their arithmetic explains.

    bfloat16 with an odd number of terms, where oneDNN multiplies a neighbour's values by zero as the last; and
    gradients of weights over several images where oneDNN does not compute them (float16, and bfloat16 on a processor
    without AVX-512): they are rounded after each image.
    """
    if p.dtype == "bfloat16" and p.direction != "backward-weight" and p.reduction_length % 2:
        return "oneDNN's bfloat16 sums of an odd number of channels take in NaN and infinity of a neighbouring pixel"
    if p.direction == "backward-weight" and p.batch > 1 and not _adds_up_in_float32(p):
        return f"PyTorch adds up {p.dtype} weight gradients image by image and rounds to {p.dtype} after each"
    return None


def _adds_up_in_float32(p: Problem) -> bool:
    """Whether a half-precision sum over images is not rounded on the way: in oneDNN's bfloat16, where it has one."""
    if p.dtype not in halves.HALVES:
        return True
    import torch

    return p.dtype == "bfloat16" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def convolution(
    p: Problem, weight: Array | None, bias: Array | None, device: str = "cpu", *, channels_last: bool = False
) -> Layer:
    """``conv2d`` and the activation in place, such as ``relu_``; backward, ``aten.convolution_backward``.

    An NHWC problem is a channels-last view of the same memory; ``channels_last`` brings an NCHW one there and back.
    """
    import torch
    from torch.nn.functional import conv2d

    nhwc, changes = p.layout == "nhwc", channels_last and p.layout == "nchw"
    kernel, biases = kernel_of(p, weight, device, channels_last=channels_last), None
    if bias is not None:
        biases = torch_cpu.as_tensor(bias, device)
    stride, groups, activate = p.stride, p.groups, activation.in_place(p)

    def arriving(x: Any) -> Any:
        if nhwc:
            return x.permute(0, 3, 1, 2)
        return x.contiguous(memory_format=torch.channels_last) if changes else x

    def leaving(y: Any) -> Any:
        if nhwc:
            return y.permute(0, 2, 3, 1)
        return y.contiguous() if changes else y

    def forward(x: Any) -> Any:
        y = conv2d(x, kernel, biases, stride=stride, groups=groups)
        return y if activate is None else activate(y)

    if p.direction != "forward":
        return _backward(p, kernel, arriving, leaving, channels_last=nhwc or changes)
    return (lambda x: leaving(forward(arriving(x)))) if nhwc or changes else forward


def kernel_of(p: Problem, weight: Array | None, device: str = "cpu", *, channels_last: bool = False) -> Any:
    """The weights as a 1x1 kernel in the memory format that the input will have; None where there are none."""
    import torch

    if weight is None:
        return None
    memory_format = torch.channels_last if channels_last or p.layout == "nhwc" else torch.contiguous_format
    return torch_cpu.as_tensor(weight, device)[:, :, None, None].contiguous(memory_format=memory_format)


def _backward(p: Problem, kernel: Any, arriving: Any, leaving: Any, *, channels_last: bool) -> Layer:
    """One gradient; of the operand that it does not depend on, only the shape counts, and the memory format.

    The gradient comes in that format: from a single element that stands for ``x``, torch makes an NCHW one in twice to
    four times the time.
    """
    import torch

    backward = torch.ops.aten.convolution_backward
    geometry = ([p.stride, p.stride], [0, 0], [1, 1], False, [0, 0], p.groups)

    if kernel is not None:  # never written to, so that it takes no memory
        memory_format = torch.channels_last if channels_last else torch.contiguous_format
        shape = (p.batch, p.in_channels, p.height, p.width)
        any_x = torch.empty(shape, dtype=kernel.dtype, device=kernel.device, memory_format=memory_format)

    def backward_input(dy: Any) -> Any:
        return leaving(backward(arriving(dy), any_x, kernel, None, *geometry, [True, False, False])[0])

    def backward_weight(x: Any, dy: Any) -> Any:
        any_kernel = dy.new_empty((1, 1, 1, 1)).expand(*p.weight_shape, 1, 1)
        wanted = [False, True, p.bias]
        _, dw, db = backward(arriving(dy), arriving(x), any_kernel, [p.out_channels], *geometry, wanted)
        return (dw[:, :, 0, 0], db) if p.bias else dw[:, :, 0, 0]

    return backward_weight if kernel is None else backward_input
