"""OpenCL: kernels of our own on whatever device the machine has, PoCL's processor device included."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from backends import Backend, DeviceTimer, Layer, Problem, _opencl, _opencl_layer, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class OpenCl(Backend):
    """The kernels of ``_opencl_kernels.py`` on the first device (``PYOPENCL_CTX`` chooses another).

    They are compiled for the shape. On a processor PoCL makes vector code of them, its threads held to the budget by
    ``POCL_MAX_PTHREAD_COUNT``. The gradient of the input is the same product, of transposed weights.
    """

    name = "opencl"
    device = "opencl"
    output = "reused"
    directions = ("forward", "backward-input")

    def missing(self) -> str | None:
        """The binding, or any driver."""
        return _opencl.missing_opencl()

    def refuses(self, problem: Problem) -> str | None:
        """The weights' gradient, and what the default refuses."""
        reduces = "its kernel keeps one sum to a lane, and would leave most lanes idle in sums over all pixels"
        return reduces if problem.direction == "backward-weight" else super().refuses(problem)

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The program, built with the problem's sizes as constants, and device memory for all but the input."""
        _opencl.set_up(threads)
        import numpy as np

        layer = _opencl_layer.layer(self._queue, problem, weight, bias)
        shape = problem.input_shape if problem.direction == "forward" else problem.output_shape
        layer(self.to_device(np.zeros(shape, problem.dtype)))  # PoCL compiles a kernel when it is first enqueued
        self.sync()
        return layer

    @cached_property
    def _queue(self) -> Any:
        return _opencl.new_queue()

    def ran(self) -> str | None:
        """The device and its driver."""
        device = self._queue.device
        return (
            f"{device.name} of {device.platform.name}, driver {device.driver_version}, {device.max_compute_units} units"
        )

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
