"""The layer that enqueues the OpenCL kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared import gradients
from pointwise_bench.backends._shared.opencl import binding, kernels
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


def layer(queue: Any, p: Problem, weight: Array, bias: Array | None) -> Layer:
    """``product``, after ``gather`` where a stride leaves gaps in ``x``, before ``scatter`` where it does in ``dx``."""
    import pyopencl as cl
    from pyopencl import array as arrays

    (shape,) = gradients.result_shapes(p)
    y = arrays.zeros(queue, shape, p.dtype)
    if p.batch == 0:
        return lambda *inputs: y
    backward, nchw = p.direction == "backward-input", p.layout == "nchw"
    found = kernels.definitions(p, bias=bias is not None, gpu=queue.device.type & cl.device_type.GPU != 0)
    program = binding.built(queue.context, found)
    product, move = cl.Kernel(program, "product"), cl.Kernel(program, "scatter" if backward else "gather")
    product_size, move_size = kernels.work_sizes(kernels.multiplied(p), found), kernels.moving_size(p)
    by_group = (gradients.transposed(p, weight) if backward else weight).reshape(p.groups, -1, int(found["K"]))
    operand = arrays.to_device(queue, by_group if nchw else by_group.transpose(0, 2, 1).copy())
    biases = operand if bias is None else arrays.to_device(queue, bias)
    packed = arrays.empty(queue, (p.pixels * p.in_channels if p.stride > 1 else 1,), p.dtype)

    def multiply(source: Any, residual: Any, target: Any) -> None:
        operands = (operand.data, source) if nchw else (source, operand.data)
        product(queue, product_size, None, *operands, biases.data, residual.data, target)

    def dense(x: Any, residual: Any = operand) -> Any:
        multiply(x.data, residual, y.data)
        return y

    def gathered(x: Any, residual: Any = operand) -> Any:
        move(queue, move_size, None, x.data, packed.data)
        multiply(packed.data, residual, y.data)
        return y

    def scattered(dy: Any) -> Any:
        multiply(dy.data, operand, packed.data)
        move(queue, move_size, None, packed.data, y.data)
        return y

    if p.stride == 1:
        return dense
    return scattered if backward else gathered
