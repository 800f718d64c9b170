"""PyTorch's convolution on an NVIDIA GPU as torch ships it: float32 in, TensorFloat-32 inside."""

from __future__ import annotations

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared import gradients
from pointwise_bench.backends._shared.torch import cuda as torch_cuda


@register
class TorchConv2dCudaTf32(torch_cuda.TorchCuda):
    """``conv2d`` on the GPU with cuDNN allowed to round the operands to TensorFloat-32, for the tensor cores.

    Ten bits of the mantissa are kept, as in float16, and sums are carried in float32. That is torch's default for
    convolutions, and it is not float32: the gate has a bound of its own for it, and no ratio compares the two.
    """

    name = "torch-conv2d-cuda-tf32"
    dtypes = ("float32",)
    arithmetic = "tf32"
    directions = gradients.ALL_DIRECTIONS

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """Kernel and bias on the device, TensorFloat-32 allowed."""
        self.start(threads, tf32=True)
        return self.convolution(problem, weight, bias)
