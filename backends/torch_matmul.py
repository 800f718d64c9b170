"""PyTorch's matrix product on the CPU: the convolution written as the GEMM that it is."""

from __future__ import annotations

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared.torch import cpu as torch_cpu, matmul as torch_matmul


@register
class TorchMatmul(torch_cpu.TorchCpu):
    """``torch.baddbmm`` or ``torch.bmm`` into a reused buffer, the bias inside the call.

    Calls the BLAS that torch was built with (MKL in the x86 wheels, OpenBLAS in others), batched over images and
    groups in NCHW and over groups in NHWC. A problem without images or groups to batch over takes the plain
    two-dimensional call, which skips the batching's set-up. Gradients are the same product of other operands.
    """

    name = "torch-matmul"
    output = "reused"

    def make(self, problem: Problem, weight: Array | None, bias: Array | None) -> Layer:
        """The layer of the problem's direction."""
        if weight is None:
            return torch_matmul.weight_gradient(problem, fresh=False)
        if problem.direction == "backward-input":
            return torch_matmul.input_gradient(problem, weight, torch_matmul.forward, fresh=False)
        return torch_matmul.forward(problem, weight, bias)
