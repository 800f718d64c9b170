"""PyTorch's compiler on the CPU: inductor over the same convolution that torch-conv2d calls."""

from __future__ import annotations

from dataclasses import replace

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared.torch import (
    compile as torch_compile,
    convolution as torch_convolution,
    cpu as torch_cpu,
)


@register
class TorchCompile(torch_cpu.TorchCpu):
    """``torch.compile`` (inductor, its default mode) of ``conv2d`` with bias and ReLU, compiled for the one shape.

    Inductor leaves the convolution to oneDNN, as eager mode does, and generates C++ for what stands around it. It
    needs a C++ compiler, and some seconds for each shape: nothing is taken from another run's cache, so that
    ``prepare_s`` is what a user waits for. Each call returns a new tensor.
    """

    name = "torch-compile"
    directions = ("forward",)

    def missing(self) -> str | None:
        """Torch, or the C++ compiler."""
        return super().missing() or torch_compile.missing_compiler()

    def refuses(self, problem: Problem) -> str | None:
        """Gradients, which inductor does not touch, and half-precision answers of PyTorch that are wrong."""
        if problem.direction != "forward":
            return "inductor leaves a convolution's gradients to the very operator that torch-conv2d calls"
        return super().refuses(problem) or torch_convolution.refuses(problem)

    def make(self, problem: Problem, weight: Array, bias: Array | None) -> Layer:
        """Compile for the problem, by a first call; its weights are arguments, so that others compile nothing."""
        import torch

        if problem.batch == 0:
            eager = torch_convolution.convolution(replace(problem, add=False), weight, bias)
            return lambda *inputs: eager(inputs[0])
        kernel = torch_convolution.kernel_of(problem, weight)
        layer: Layer = torch_compile.compiled_layer(
            problem, kernel, None if bias is None else torch_cpu.as_tensor(bias)
        )
        with torch_compile.kept_for_the_run():
            layer(*(torch.zeros(shape, dtype=kernel.dtype) for shape in problem.input_shapes))
        return layer

    def make_adding(self, problem: Problem, weight: Array, bias: Array | None) -> Layer:
        """The same: the compiler is given the addition too."""
        return self.make(problem, weight, bias)
