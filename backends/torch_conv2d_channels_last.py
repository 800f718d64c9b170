"""PyTorch's convolution on the CPU in the memory format that its guide advises for vision: channels last."""

from __future__ import annotations

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared.torch import convolution as torch_convolution, cpu as torch_cpu


@register
class TorchConv2dChannelsLast(torch_cpu.TorchCpu):
    """``torch.nn.functional.conv2d`` with input and weights in ``torch.channels_last``, and ``relu_`` on its result.

    Calls oneDNN where torch was built with it, which picks its kernels for NHWC memory. An NCHW problem pays for the
    change to channels last and back; an NHWC problem is a channels-last view of the same memory, where this is what
    ``torch-conv2d`` does too. Each call returns a new tensor. Gradients likewise, by ``aten.convolution_backward``.
    """

    name = "torch-conv2d-channels-last"

    def refuses(self, problem: Problem) -> str | None:
        """Half-precision answers of PyTorch that are wrong by more than their arithmetic explains."""
        return super().refuses(problem) or torch_convolution.refuses(problem)

    def make(self, problem: Problem, weight: Array | None, bias: Array | None) -> Layer:
        """The weights as a 1x1 kernel in channels-last memory."""
        return torch_convolution.convolution(problem, weight, bias, channels_last=True)
