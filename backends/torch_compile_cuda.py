"""PyTorch's compiler on an NVIDIA GPU: inductor and the Triton that it generates."""

from __future__ import annotations

from importlib.util import find_spec

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared.torch import (
    compile as torch_compile,
    convolution as torch_convolution,
    cuda as torch_cuda,
)


@register
class TorchCompileCuda(torch_cuda.TorchCuda):
    """``torch.compile`` (inductor, its default mode) of ``conv2d`` with bias and ReLU, in IEEE float32.

    Inductor takes cuDNN's convolution or a matrix product of cuBLAS for it, and generates Triton for what stands
    around. Each call returns a new tensor.
    """

    name = "torch-compile-cuda"

    def missing(self) -> str | None:
        """Torch with a GPU, or Triton."""
        triton = None if find_spec("triton") else "inductor needs triton, which is not installed: pip install triton"
        return super().missing() or triton

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Compile for the problem's shapes, by a first call."""
        import torch

        self.start(threads)
        if problem.batch == 0:
            return self.convolution(problem, weight, bias)
        kernel = torch_convolution.kernel_of(problem, weight, "cuda")
        layer: Layer = torch_compile.compiled_layer(problem, kernel, None if bias is None else self.to_device(bias))
        layer(torch.zeros(problem.input_shape, dtype=kernel.dtype, device=kernel.device))
        return layer
