"""OpenCL: kernels of our own on whatever device the machine has, PoCL's processor device included."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backends import Backend, DeviceTimer, Layer, Problem, _opencl, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class OpenCl(Backend):
    """The kernels of ``_opencl.py`` on the first device (``PYOPENCL_CTX`` chooses another), compiled for the shape.

    On a processor PoCL makes vector code of them, its threads held to the budget by ``POCL_MAX_PTHREAD_COUNT``.
    """

    name = "opencl"
    device = "opencl"
    output = "reused"

    def missing(self) -> str | None:
        """The binding, or any driver."""
        return _opencl.missing_opencl()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The program, built with the problem's sizes as constants, and device memory for all but the input."""
        os.environ["POCL_MAX_PTHREAD_COUNT"] = str(threads)  # read when PoCL's device is first asked for
        import pyopencl as cl
        from pyopencl import array as arrays

        p, queue = problem, self._queue
        y = arrays.empty(queue, p.output_shape, p.dtype)
        if p.batch == 0:
            return lambda x: y
        found = _opencl.definitions(p, bias=bias is not None, gpu=queue.device.type & cl.device_type.GPU != 0)
        program = _opencl.built(queue.context, found)
        product, gather = cl.Kernel(program, "product"), cl.Kernel(program, "gather")
        product_size, gather_size = _opencl.work_sizes(p, found)
        nchw = p.layout == "nchw"
        by_group = weight.reshape(p.groups, -1, p.in_channels // p.groups)
        kernels = arrays.to_device(queue, weight if nchw else by_group.transpose(0, 2, 1).copy())
        biases = kernels if bias is None else arrays.to_device(queue, bias)
        packed = arrays.empty(queue, (p.pixels * p.in_channels if p.stride > 1 else 1,), p.dtype)

        def layer(x: Any) -> Any:
            pixels = x.data if p.stride == 1 else packed.data
            if p.stride > 1:
                gather(queue, gather_size, None, x.data, pixels)
            operands = (kernels.data, pixels) if nchw else (pixels, kernels.data)
            product(queue, product_size, None, *operands, biases.data, y.data)
            return y

        return layer

    @cached_property
    def _queue(self) -> Any:
        return _opencl.new_queue()

    def to_device(self, array: Array) -> Any:
        """The array in the device's memory."""
        from pyopencl import array as arrays

        return arrays.to_device(self._queue, array)

    def to_numpy(self, result: Any) -> Array:
        """The values, copied to the host."""
        return result.get()  # type: ignore[no-any-return]

    def sync(self) -> None:
        """Wait until the queue is empty."""
        self._queue.finish()

    def device_timer(self) -> DeviceTimer:
        """Two marks in the queue."""
        return _opencl.Markers(self._queue)
