"""Everything that the OpenCL backends share: where it runs, what is refused, the layer, the queue and its clock."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared.opencl import binding, layer as opencl_layer
from pointwise_bench.backends.backend import Backend, DeviceTimer, Layer
from pointwise_bench.backends.problem import ACTIVATIONS, Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


class OpenClDevice(Backend):
    """A backend whose arrays are in the device's memory."""

    device = "opencl"
    output = "reused"
    directions = ("forward", "backward-input")
    activations = ACTIVATIONS
    adds = True

    def missing(self) -> str | None:
        """The binding, or any driver."""
        return binding.missing_opencl()

    def refuses(self, problem: Problem) -> str | None:
        """The weights' gradient, and what the default refuses."""
        reduces = "its kernel keeps one sum to a lane, and would leave most lanes idle in sums over all pixels"
        return reduces if problem.direction == "backward-weight" else super().refuses(problem)

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The program, built with the problem's sizes as constants, and device memory for all but the input."""
        binding.set_up(threads)
        import numpy as np

        layer = opencl_layer.layer(self.queue, problem, weight, bias)
        layer(*(self.put(np.zeros(shape, problem.dtype)) for shape in problem.input_shapes))
        self.sync()  # PoCL compiles a kernel when it is first enqueued
        return layer

    @cached_property
    def queue(self) -> Any:
        """The one queue of the process."""
        return binding.new_queue()

    def ran(self) -> str | None:
        """The device and its driver."""
        found = self.queue.device
        return f"{found.name} of {found.platform.name}, driver {found.driver_version}, {found.max_compute_units} units"

    def put(self, array: Array) -> Any:
        """The array in the device's memory."""
        from pyopencl import array as arrays

        return arrays.to_device(self.queue, array)

    def to_device(self, array: Array) -> Any:
        """The array in the device's memory."""
        return self.put(array)

    def to_numpy(self, result: Any) -> Array:
        """The values, copied to the host."""
        return result.get()  # type: ignore[no-any-return]

    def sync(self) -> None:
        """Wait until the queue is empty."""
        self.queue.finish()

    def device_timer(self) -> DeviceTimer:
        """Two marks in the queue."""
        return binding.Markers(self.queue)
