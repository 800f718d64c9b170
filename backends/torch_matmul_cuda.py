"""PyTorch's matrix product on an NVIDIA GPU, in IEEE float32."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared.arrays import read_pixels
from pointwise_bench.backends._shared.torch import cuda as torch_cuda


@register
class TorchMatmulCuda(torch_cuda.TorchCuda):
    """``torch.matmul`` into a reused buffer: cuBLAS, batched over images and groups in NCHW, over groups in NHWC.

    Bias and ReLU follow in place. Without groups an NHWC problem is one product over all pixels of the batch.
    """

    name = "torch-matmul-cuda"
    output = "reused"

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights by group, the output buffer, and a view of it as the product writes it."""
        import torch

        self.start(threads)
        p, groups = problem, problem.groups
        kernels = self.to_device(weight).reshape(groups, -1, p.in_channels // groups)
        y = torch.empty(p.output_shape, dtype=kernels.dtype, device=kernels.device)
        if p.batch == 0:
            return lambda x: y
        nchw = p.layout == "nchw"
        addend = None if bias is None else self.to_device(bias).reshape((-1, 1, 1) if nchw else (-1,))
        planes = y.view(p.batch, groups, -1, p.out_height * p.out_width) if nchw else y.view(p.pixels, groups, -1)
        operand = kernels if nchw else kernels.transpose(1, 2).contiguous()

        def layer(x: Any) -> Any:
            x = read_pixels(p, x)
            if nchw:
                torch.matmul(operand, x.reshape(p.batch, groups, -1, p.out_height * p.out_width), out=planes)
            elif groups == 1:
                torch.mm(x.reshape(p.pixels, -1), operand[0], out=planes[:, 0])
            else:
                rows = x.reshape(p.pixels, groups, -1).transpose(0, 1)
                planes.copy_(torch.bmm(rows, operand).transpose(0, 1))  # a strided `out` would be resized
            if addend is not None:
                y.add_(addend)
            return y.relu_() if p.activation == "relu" else y

        return layer
