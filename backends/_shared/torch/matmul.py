"""The pointwise convolution as PyTorch's matrix products: the layer into a buffer, and the gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared import gradients, halves
from pointwise_bench.backends._shared.activation import tensors as activation
from pointwise_bench.backends._shared.arrays import read_pixels
from pointwise_bench.backends._shared.torch import cpu as torch_cpu
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


def forward(p: Problem, weight: Array, bias: Array | None) -> Layer:
    """Weights by group, the output buffer, and views of it in the shape that the product writes."""
    import torch

    groups = p.groups
    kernels = torch_cpu.as_tensor(weight).reshape(groups, p.out_channels // groups, p.in_channels // groups)
    biases = None if bias is None else torch_cpu.as_tensor(bias).reshape(groups, -1)
    y = torch.empty(p.output_shape, dtype=torch_cpu.dtype_of(p))
    if p.batch == 0:
        return lambda x: y
    multiply = _by_rows(p, kernels, biases, y) if p.layout == "nhwc" else _by_planes(p, kernels, biases, y)
    activate = activation.in_place(p)

    def layer(x: Any) -> Any:
        multiply(x)
        if activate is not None:
            activate(y)
        return y

    return layer


def _by_planes(p: Problem, kernels: Any, biases: Any, y: Any) -> Layer:
    """NCHW: ``weight @ x`` for every image and group, pixels contiguous."""
    import torch

    batches = p.batch * p.groups
    operand = kernels.repeat(p.batch, 1, 1) if batches > 1 else kernels[0]
    addend: Any = None if biases is None else biases[:, :, None].repeat(p.batch, 1, 1)
    planes = y.view(batches, p.out_channels // p.groups, -1)

    def multiply(x: Any) -> None:
        columns = read_pixels(p, x).reshape(batches, p.in_channels // p.groups, p.out_height * p.out_width)
        if batches == 1 and addend is None:
            torch.mm(operand, columns[0], out=planes[0])
        elif batches == 1:
            torch.addmm(addend[0], operand, columns[0], out=planes[0])
        elif addend is None:
            torch.bmm(operand, columns, out=planes)
        else:
            torch.baddbmm(addend, operand, columns, out=planes)

    return multiply


def _by_rows(p: Problem, kernels: Any, biases: Any, y: Any) -> Layer:
    """NHWC: ``x @ weight.T`` over all pixels of the batch, channels contiguous."""
    import torch

    operand = kernels.transpose(1, 2).contiguous()
    rows = y.view(p.pixels, p.groups, -1).transpose(0, 1)

    def multiply(x: Any) -> None:
        pixels = read_pixels(p, x).reshape(p.pixels, p.groups, p.in_channels // p.groups).transpose(0, 1)
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


def input_gradient(p: Problem, weight: Array, forward: Any, *, fresh: bool) -> Layer:
    """:func:`pointwise_bench.backends._shared.gradients.input_gradient` on tensors."""
    import torch

    return gradients.input_gradient(
        p, weight, forward, lambda: torch.zeros(p.input_shape, dtype=torch_cpu.dtype_of(p)), fresh=fresh
    )


def weight_gradient(p: Problem, *, fresh: bool) -> Layer:
    """``torch.bmm`` of ``dy`` with ``x``: by group in NHWC, by image and group and summed over images in NCHW.

    The half precisions bring the pixels of all images together first: a product per image would be rounded before
    the images are summed.
    """
    import torch

    one_product = p.dtype in halves.HALVES or p.batch == 1
    buffers: list[Any] = (
        [None, None]
        if fresh
        else [torch.empty(shape, dtype=torch_cpu.dtype_of(p)) for shape in gradients.result_shapes(p)]
    )
    target = None if fresh else buffers[0].view(p.groups, -1, p.weight_shape[1])

    def layer(x: Any, dy: Any) -> Any:
        rows, columns = gradients.grouped(p, read_pixels(p, x)), gradients.grouped(p, dy)
        if p.layout == "nhwc":
            dw = torch.bmm(columns.permute(1, 2, 0), rows.transpose(0, 1), out=target)
        elif one_product:
            columns, rows = (each.permute(1, 2, 0, 3).flatten(2) for each in (columns, rows))
            dw = torch.bmm(columns, rows.transpose(1, 2), out=target)
        else:
            dw = torch.sum(torch.matmul(columns, rows.transpose(2, 3)), 0, out=target)
        dw = dw.view(p.weight_shape)
        return (dw, torch.sum(dy, gradients.pixel_axes(p), out=buffers[1])) if p.bias else dw

    return layer
