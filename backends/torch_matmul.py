"""PyTorch's matrix product on the CPU: the convolution written as the GEMM that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _torch, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class TorchMatmul(Backend):
    """``torch.baddbmm`` or ``torch.bmm`` into a reused buffer, the bias inside the call.

    Calls the BLAS that torch was built with (MKL in the x86 wheels, OpenBLAS in others), batched over images and
    groups in NCHW and over groups in NHWC. A problem without images or groups to batch over takes the plain
    two-dimensional call, which skips the batching's set-up.
    """

    name = "torch-matmul"
    output = "reused"
    dtypes = ("float32", "float64", "float16", "bfloat16")

    def missing(self) -> str | None:
        """Torch, where it is not installed."""
        return _torch.missing_torch()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights by group, the output buffer, and views of it in the shape that the product writes."""
        import torch

        _torch.use_threads(threads)
        p, groups = problem, problem.groups
        kernels = _torch.as_tensor(weight).reshape(groups, p.out_channels // groups, p.in_channels // groups)
        biases = None if bias is None else _torch.as_tensor(bias).reshape(groups, -1)
        y = torch.empty(p.output_shape, dtype=getattr(torch, p.dtype))
        if p.batch == 0:
            return lambda x: y
        multiply = (
            self._by_rows(p, kernels, biases, y) if p.layout == "nhwc" else self._by_planes(p, kernels, biases, y)
        )

        def layer(x: Any) -> Any:
            multiply(x)
            if p.activation == "relu":
                y.relu_()
            return y

        return layer

    @staticmethod
    def _by_planes(p: Problem, kernels: Any, biases: Any, y: Any) -> Layer:
        """NCHW: ``weight @ x`` for every image and group, pixels contiguous."""
        import torch

        batches = p.batch * p.groups
        operand = kernels.repeat(p.batch, 1, 1) if batches > 1 else kernels[0]
        addend: Any = None if biases is None else biases[:, :, None].repeat(p.batch, 1, 1)
        planes = y.view(batches, p.out_channels // p.groups, -1)

        def multiply(x: Any) -> None:
            if p.stride != 1:
                x = x[:, :, :: p.stride, :: p.stride]
            columns = x.reshape(batches, p.in_channels // p.groups, p.out_height * p.out_width)
            if batches == 1 and addend is None:
                torch.mm(operand, columns[0], out=planes[0])
            elif batches == 1:
                torch.addmm(addend[0], operand, columns[0], out=planes[0])
            elif addend is None:
                torch.bmm(operand, columns, out=planes)
            else:
                torch.baddbmm(addend, operand, columns, out=planes)

        return multiply

    @staticmethod
    def _by_rows(p: Problem, kernels: Any, biases: Any, y: Any) -> Layer:
        """NHWC: ``x @ weight.T`` over all pixels of the batch, channels contiguous."""
        import torch

        operand = kernels.transpose(1, 2).contiguous()
        rows = y.view(p.pixels, p.groups, -1).transpose(0, 1)

        def multiply(x: Any) -> None:
            if p.stride != 1:
                x = x[:, :: p.stride, :: p.stride]
            pixels = x.reshape(p.pixels, p.groups, p.in_channels // p.groups).transpose(0, 1)
            if p.groups == 1 and biases is None:
                torch.mm(pixels[0], operand[0], out=rows[0])
            elif p.groups == 1:
                torch.addmm(biases[0], pixels[0], operand[0], out=rows[0])
            else:
                # A strided `out` would be resized; the product goes to new memory and is copied into place.
                rows.copy_(
                    torch.bmm(pixels, operand) if biases is None else torch.baddbmm(biases[:, None], pixels, operand)
                )

        return multiply

    def to_device(self, array: Array) -> Any:
        """A contiguous tensor in the problem's layout."""
        return _torch.as_tensor(array)

    def to_numpy(self, result: Any) -> Array:
        """The buffer's values."""
        return _torch.as_array(result)
