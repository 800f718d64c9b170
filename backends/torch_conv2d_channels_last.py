"""PyTorch's convolution on the CPU in the memory format that its guide advises for vision: channels last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _torch, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class TorchConv2dChannelsLast(Backend):
    """``torch.nn.functional.conv2d`` with input and weights in ``torch.channels_last``, and ``relu_`` on its result.

    Calls oneDNN where torch was built with it, which picks its kernels for NHWC memory. An NCHW problem pays for the
    change to channels last and back; an NHWC problem is a channels-last view of the same memory, where this is what
    ``torch-conv2d`` does too. Each call returns a new tensor.
    """

    name = "torch-conv2d-channels-last"

    def missing(self) -> str | None:
        """Torch, where it is not installed."""
        return _torch.missing_torch()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The weights as a 1x1 kernel in channels-last memory."""
        import torch
        from torch.nn.functional import conv2d

        _torch.use_threads(threads)
        kernel = _torch.as_tensor(weight)[:, :, None, None].contiguous(memory_format=torch.channels_last)
        biases = None if bias is None else _torch.as_tensor(bias)
        stride, groups, relu = problem.stride, problem.groups, problem.activation == "relu"
        nhwc = problem.layout == "nhwc"

        def layer(x: Any) -> Any:
            x = x.permute(0, 3, 1, 2) if nhwc else x.contiguous(memory_format=torch.channels_last)
            y = conv2d(x, kernel, biases, stride=stride, groups=groups)
            if relu:
                y.relu_()
            return y.permute(0, 2, 3, 1) if nhwc else y.contiguous()

        return layer

    def to_device(self, array: Array) -> Any:
        """A contiguous tensor in the problem's layout."""
        return _torch.as_tensor(array)

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values; NHWC results are views in the problem's layout already."""
        return result.numpy()  # type: ignore[no-any-return]
