"""PyTorch's convolution on an NVIDIA GPU, in IEEE float32."""

from __future__ import annotations

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared import gradients
from pointwise_bench.backends._shared.torch import cuda as torch_cuda


@register
class TorchConv2dCuda(torch_cuda.TorchCuda):
    """``conv2d`` on the GPU. cuDNN picks the algorithm, measured once per shape in ``prepare``.

    float32 means IEEE float32 here: TensorFloat-32, torch's default for convolutions, keeps ten bits of the
    mantissa and is a backend of its own. Where that search ends at an inexact algorithm cuDNN is left out, and ``ran``
    says so.
    """

    name = "torch-conv2d-cuda"
    directions = gradients.ALL_DIRECTIONS

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """Kernel and bias on the device, and IEEE arithmetic."""
        self.start(threads)
        return self.convolution(problem, weight, bias)
