"""Triton: a kernel of our own on an NVIDIA GPU, in IEEE float32."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared import triton_kernel
from pointwise_bench.backends._shared.torch import cuda as torch_cuda


@register
class TritonCuda(torch_cuda.TorchCuda):
    """The kernel of ``triton_kernel.py``, compiled for the shape: ``tl.dot`` with ``input_precision="ieee"``.

    It reads strided pixels and either layout in place, and adds bias and ReLU before the only write. One tile size
    for all shapes: no search, no split of long reductions. float32 only.
    """

    name = "triton-cuda"
    output = "reused"
    dtypes = ("float32",)

    def missing(self) -> str | None:
        """Torch with a GPU, or Triton, which comes with torch's builds for CUDA."""
        triton = None if find_spec("triton") else "triton is not installed: python -m pip install triton"
        return super().missing() or triton

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights, bias and output on the device; the kernel is compiled by its first call."""
        import torch

        self.start(threads)
        p = problem
        kernels = self.to_device(weight)
        biases = kernels if bias is None else self.to_device(bias)
        y = torch.empty(p.output_shape, dtype=kernels.dtype, device=kernels.device)
        if p.batch == 0:
            return lambda x: y
        launch = triton_kernel.product()[triton_kernel.grid(p)]
        sizes = (p.out_height * p.out_width, p.out_width, *triton_kernel.strides(p))
        constants = {
            "GROUPS": p.groups,
            "CHANNELS": p.in_channels // p.groups,
            "KERNELS": p.out_channels // p.groups,
            "BIAS": bias is not None,
            "RELU": p.activation == "relu",
            "ROWS": triton_kernel.ROWS,
            "COLUMNS": triton_kernel.COLUMNS,
            "TERMS": triton_kernel.TERMS,
        }

        def layer(x: Any) -> Any:
            launch(x, kernels, biases, y, *sizes, **constants)
            return y

        layer(torch.zeros(p.input_shape, dtype=kernels.dtype, device=kernels.device))
        return layer
