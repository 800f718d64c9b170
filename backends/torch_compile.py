"""PyTorch's compiler on the CPU: inductor over the same convolution that torch-conv2d calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends import Layer, Problem, _compile, _torch, _torch_conv, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class TorchCompile(_torch.TorchCpu):
    """``torch.compile`` (inductor, its default mode) of ``conv2d`` with bias and ReLU, compiled for the one shape.

    Inductor leaves the convolution to oneDNN, as eager mode does, and generates C++ for what stands around it. It
    needs a C++ compiler, and some seconds for each shape: nothing is taken from another run's cache, so that
    ``prepare_s`` is what a user waits for. Each call returns a new tensor.
    """

    name = "torch-compile"
    directions = ("forward",)

    def missing(self) -> str | None:
        """Torch, or the C++ compiler."""
        return super().missing() or _compile.missing_compiler()

    def refuses(self, problem: Problem) -> str | None:
        """Gradients, which inductor does not touch, and half-precision answers of PyTorch that are wrong."""
        if problem.direction != "forward":
            return "inductor leaves a convolution's gradients to the very operator that torch-conv2d calls"
        return super().refuses(problem) or _torch_conv.refuses(problem)

    def make(self, problem: Problem, weight: Array, bias: Array | None) -> Layer:
        """Compile for the problem, by a first call; its weights are arguments, so that others compile nothing."""
        import torch

        if problem.batch == 0:
            return _torch_conv.convolution(problem, weight, bias)
        kernel = _torch_conv.kernel_of(problem, weight)
        layer: Layer = _compile.compiled_layer(problem, kernel, None if bias is None else _torch.as_tensor(bias))
        with _compile.kept_for_the_run():
            layer(torch.zeros(problem.input_shape, dtype=kernel.dtype))
        return layer
