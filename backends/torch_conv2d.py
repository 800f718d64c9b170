"""PyTorch's convolution on the CPU, as the library ships it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _torch, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class TorchConv2d(Backend):
    """``torch.nn.functional.conv2d`` and, for ReLU, ``relu_`` in place on its result.

    Calls oneDNN where torch was built with it, which picks a 1x1 convolution or a GEMM by shape. An NHWC problem
    is a channels-last view of the same memory: no copy on the way in or out. Each call returns a new tensor.
    """

    name = "torch-conv2d"

    def missing(self) -> str | None:
        """Torch, where it is not installed."""
        return _torch.missing_torch()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The weights as a 1x1 kernel, in the memory format that the input will have."""
        import torch
        from torch.nn.functional import conv2d

        _torch.use_threads(threads)
        channels_last = problem.layout == "nhwc"
        memory_format = torch.channels_last if channels_last else torch.contiguous_format
        kernel = _torch.as_tensor(weight)[:, :, None, None].contiguous(memory_format=memory_format)
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

    def to_device(self, array: Array) -> Any:
        """A contiguous tensor in the problem's layout."""
        return _torch.as_tensor(array)

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values; NHWC results are views in the problem's layout already."""
        return result.numpy()  # type: ignore[no-any-return]
