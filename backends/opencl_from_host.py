"""OpenCL with both transfers on the clock: what a single layer costs an application whose arrays are the host's."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared import gradients
from pointwise_bench.backends._shared.opencl import device


@register
class OpenClFromHost(device.OpenClDevice):
    """The kernels of ``opencl``, with the input copied to the device and the result copied back in every call.

    Both copies go through the same queue, into one device buffer and one host array; the layer waits for the last.
    """

    name = "opencl-from-host"

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The layer on the device, a buffer there for each input, and an array here for the result."""
        compute = super().prepare(problem, weight, bias, threads)
        import numpy as np
        from pyopencl import array as arrays

        (shape,) = gradients.result_shapes(problem)
        y: Array = np.zeros(shape, problem.dtype)
        if problem.batch == 0:
            return lambda *inputs: y
        buffers = [arrays.empty(self.queue, shape, problem.dtype) for shape in problem.input_shapes]

        def layer(*inputs: Array) -> Array:
            for buffer, given in zip(buffers, inputs, strict=True):
                buffer.set(given)
            compute(*buffers).get(ary=y)
            return y

        return layer

    def to_device(self, array: Array) -> Any:
        """The host's own array: bringing it to the device is the layer's part."""
        return array

    def to_numpy(self, result: Any) -> Array:
        """The host's own array."""
        return result  # type: ignore[no-any-return]
