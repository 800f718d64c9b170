"""PyTorch's convolution on the CPU, as the library ships it, and its gradients."""

from __future__ import annotations

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared.torch import convolution as torch_convolution, cpu as torch_cpu


@register
class TorchConv2d(torch_cpu.TorchCpu):
    """``torch.nn.functional.conv2d`` and, for ReLU, ``relu_`` in place; backward, ``aten.convolution_backward``.

    Calls oneDNN where torch was built with it, which picks a 1x1 convolution or a GEMM by shape; on one thread, and
    for a single small picture, torch keeps float32 to its own loops around MKL (2.13). An NHWC problem is a
    channels-last view of the same memory: no copy on the way in or out. Each call returns a new tensor. The gradients
    are what autograd calls for the same convolution, each alone.
    """

    name = "torch-conv2d"

    def refuses(self, problem: Problem) -> str | None:
        """Half-precision answers of PyTorch that are wrong by more than their arithmetic explains."""
        return super().refuses(problem) or torch_convolution.refuses(problem)

    def make(self, problem: Problem, weight: Array | None, bias: Array | None) -> Layer:
        """The weights as a 1x1 kernel, in the memory format that the input will have."""
        return torch_convolution.convolution(problem, weight, bias)
