"""PyTorch's compiler on the CPU: inductor over the same convolution that torch-conv2d calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _compile, _torch, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class TorchCompile(Backend):
    """``torch.compile`` (inductor, its default mode) of ``conv2d`` with bias and ReLU.

    Inductor leaves the convolution to oneDNN, as eager mode does, and generates C++ for what stands around it. It
    needs a C++ compiler, and some seconds for each shape. Each call returns a new tensor.
    """

    name = "torch-compile"

    def missing(self) -> str | None:
        """Torch, or the C++ compiler."""
        return _torch.missing_torch() or _compile.missing_compiler()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Compile for the problem's shapes."""
        import torch

        _torch.use_threads(threads)
        if problem.batch == 0:
            return lambda x: torch.empty(problem.output_shape, dtype=x.dtype)
        memory_format = torch.channels_last if problem.layout == "nhwc" else torch.contiguous_format
        kernel = _torch.as_tensor(weight)[:, :, None, None].contiguous(memory_format=memory_format)
        layer: Layer = _compile.compiled_layer(problem, kernel, None if bias is None else _torch.as_tensor(bias))
        layer(torch.zeros(problem.input_shape, dtype=kernel.dtype))
        return layer

    def to_device(self, array: Array) -> Any:
        """A contiguous tensor in the problem's layout."""
        return _torch.as_tensor(array)

    def to_numpy(self, result: Any) -> Array:
        """The values."""
        return result.numpy()  # type: ignore[no-any-return]
