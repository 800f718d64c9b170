"""PyTorch's convolution on the CPU, as the library ships it, and its gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _torch, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class TorchConv2d(Backend):
    """``torch.nn.functional.conv2d`` and, for ReLU, ``relu_`` in place; backward, ``aten.convolution_backward``.

    Calls oneDNN where torch was built with it, which picks a 1x1 convolution or a GEMM by shape. An NHWC problem
    is a channels-last view of the same memory: no copy on the way in or out. Each call returns a new tensor. The
    gradients are what autograd calls for the same convolution, each alone.
    """

    name = "torch-conv2d"
    dtypes = ("float32", "float64", "float16", "bfloat16")
    directions = ("forward", "backward-input", "backward-weight")

    def missing(self) -> str | None:
        """Torch, where it is not installed."""
        return _torch.missing_torch()

    def refuses(self, problem: Problem) -> str | None:
        """Two half-precision answers of PyTorch that are wrong by more than their arithmetic explains.

        bfloat16 with an odd number of terms, where oneDNN multiplies a neighbour's values by zero as the last; and
        gradients of float16 weights over several images, which are rounded to float16 after each image.
        """
        if problem.dtype == "bfloat16" and problem.direction != "backward-weight" and problem.reduction_length % 2:
            ours = (
                "oneDNN's bfloat16 sums of an odd number of channels take in NaN and infinity of a neighbouring pixel"
            )
        elif problem.dtype == "float16" and problem.direction == "backward-weight" and problem.batch > 1:
            ours = "PyTorch adds up float16 weight gradients image by image and rounds to float16 after each"
        else:
            ours = None
        return super().refuses(problem) or ours

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The weights as a 1x1 kernel, in the memory format that the input will have."""
        import torch
        from torch.nn.functional import conv2d

        _torch.use_threads(threads)
        channels_last = problem.layout == "nhwc"
        memory_format = torch.channels_last if channels_last else torch.contiguous_format
        if weight is None:
            return self._backward(problem, None)
        kernel = _torch.as_tensor(weight)[:, :, None, None].contiguous(memory_format=memory_format)
        if problem.direction == "backward-input":
            return self._backward(problem, kernel)
        biases = None if bias is None else _torch.as_tensor(bias)
        stride, groups, relu = problem.stride, problem.groups, problem.activation == "relu"

        def layer(x: Any) -> Any:
            if channels_last:
                x = x.permute(0, 3, 1, 2)
            y = conv2d(x, kernel, biases, stride=stride, groups=groups)
            if relu:
                y.relu_()
            return y.permute(0, 2, 3, 1) if channels_last else y

        return layer

    @staticmethod
    def _backward(p: Problem, kernel: Any) -> Layer:
        """One gradient; of the operand that it does not depend on, a single element stands for the shape."""
        import torch

        backward = torch.ops.aten.convolution_backward
        one = torch.empty((1, 1, 1, 1), dtype=getattr(torch, p.dtype))
        geometry = ([p.stride, p.stride], [0, 0], [1, 1], False, [0, 0], p.groups)
        channels_last = p.layout == "nhwc"
        any_x = one.expand(p.batch, p.in_channels, p.height, p.width)
        any_kernel = one.expand(*p.weight_shape, 1, 1)

        def backward_input(dy: Any) -> Any:
            dy = dy.permute(0, 3, 1, 2) if channels_last else dy
            dx = backward(dy, any_x, kernel, None, *geometry, [True, False, False])[0]
            return dx.permute(0, 2, 3, 1) if channels_last else dx

        def backward_weight(x: Any, dy: Any) -> Any:
            if channels_last:
                x, dy = x.permute(0, 3, 1, 2), dy.permute(0, 3, 1, 2)
            _, dw, db = backward(dy, x, any_kernel, [p.out_channels], *geometry, [False, True, p.bias])
            return (dw[:, :, 0, 0], db) if p.bias else dw[:, :, 0, 0]

        return backward_weight if kernel is None else backward_input

    def to_device(self, array: Array) -> Any:
        """A contiguous tensor in the problem's layout."""
        return _torch.as_tensor(array)

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values; NHWC results are views in the problem's layout already."""
        return _torch.as_array(result)
